"""A board and what is on it: its serial port, its config, its lease records, what a deployment
does to it; and the two that are no boards, but a VM: the virtual board, the Linux interface."""
