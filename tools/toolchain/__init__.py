"""What every command stands on: how it starts and ends, and the programs that it takes from this
machine (MicroPython VMs, mpy-cross, a C compiler, whatever Debian has)."""
