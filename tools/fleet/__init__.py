"""Clients on a bad network, and many of them at one server: simulated on a virtual clock, and live
in the lab."""
