"""An emulated Pico W, and what tools/emulate.py proves with it."""
