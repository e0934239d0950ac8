"""What captures hold, and what it is called."""
