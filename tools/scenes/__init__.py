"""What tools/demo.py shows: a play with a board, a server and a network of its own."""
