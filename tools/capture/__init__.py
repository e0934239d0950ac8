"""What captures hold: packets, datagrams, messages, and what their numbers are called."""
