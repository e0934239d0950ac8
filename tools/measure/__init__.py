"""What the firmware costs (tools/size.py) and how fast it is (tools/bench.py)."""
