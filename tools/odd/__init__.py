"""A DHCP server on scapy's codec that answers properly but for one named oddity, and the clients
that are put before it. Knows nothing of the firmware's codec."""
