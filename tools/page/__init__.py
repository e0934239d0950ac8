"""The page that tools/decode.py writes: conversations drawn, each field of a message explained."""
