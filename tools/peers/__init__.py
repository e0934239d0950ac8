"""This client and others on the same wire: the scenes that they play before real servers, what RFC
2131 says of each message, and the page. Knows nothing of the firmware's codec: scapy reads all."""
