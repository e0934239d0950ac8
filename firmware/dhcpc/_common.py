"""What several extras use. On a board each has a copy of its own, which the tools that make its
file put there: so no extra needs another.
"""

from dhcpc import dotted


def packed(name: str, text: str) -> bytes:
    """The 4 bytes of an address such as "192.0.2.1". ValueError: it is none; with `name` before
    it.
    """
    try:
        value = bytes([int(part) for part in text.split(".")])
        # MicroPython makes a byte of any number.
        if len(value) == 4 and dotted(value, 0) == text:
            return value
    except (AttributeError, TypeError, ValueError):
        pass
    raise ValueError("%s: %r is not an address" % (name, text))
