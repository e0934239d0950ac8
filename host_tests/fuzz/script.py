"""Bytes as a script: numbers and pieces, taken one behind the other. What is not there is zero."""

from os import listdir

_HOME = __file__.rsplit("/", 1)[0]


class Script:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def more(self):
        return self.at < len(self.data)

    def byte(self):
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def number(self, size):
        return int.from_bytes(self.whole(size), "big")

    def whole(self, size):
        """So many bytes."""
        found = self.take(size)
        return found + bytes(size - len(found))

    def take(self, size):
        """So many bytes, as far as they are there."""
        self.at += size
        return self.data[self.at - size : self.at]

    def rest(self):
        return self.take(len(self.data))


def refused(call, *args):
    """What call(*args) returns, and None; or None, and the ValueError that it raises."""
    try:
        return call(*args), None
    except ValueError as error:
        return None, error


def folder(*names):
    """The files of a folder here, {name: bytes}."""
    path = "/".join((_HOME,) + names)
    found = {}
    for name in sorted(listdir(path)):
        with open(path + "/" + name, "rb") as f:
            found[name] = f.read()
    return found


def damaged(s, data):
    """Some bytes of `data` as the script has it: set, missing, or the end cut off."""
    data = bytearray(data)
    how = s.byte()
    for _ in range(how & 7):
        at = s.number(2)
        value = s.byte()
        if data:
            data[at % len(data)] = value
    if how & 8:
        at = s.number(2) % (len(data) + 1)
        data = data[:at] + data[at + s.byte() :]
    if how & 16:
        data = data[: s.number(2) % (len(data) + 1)]
    if how & 32:
        at = s.number(2) % (len(data) + 1)
        data = data[:at] + s.take(s.byte()) + data[at:]
    return bytes(data)
