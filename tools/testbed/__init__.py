"""Real DHCP servers and clients in network namespaces: what tools/lab.py runs and the interop
tests stand on. Knows nothing of the firmware."""
