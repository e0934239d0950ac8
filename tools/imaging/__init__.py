"""One file to flash: what goes into it, the file systems of the ports, the containers that their
boards take, a fleet of them."""
