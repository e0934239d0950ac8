"""A board's flash in RAM, with littlefs on it as two ports of MicroPython set it up.

It counts what it is asked to do, and loses power at the moment that a case names.
"""

import os
from errno import EIO

from kit import Skip

try:
    import vfs
except ImportError:
    vfs = None

BLOCK = 4096  # bytes
ROOT = "/flash"
PATH = "/flash/lease"

# littlefs's program size, in bytes: MicroPython's ports/rp2/modules/_boot.py asks for the one,
# ports/esp32 takes the default.
PORTS = {"rp2": 256, "ESP32": 32}

# What is left of the operation that the power cuts: nothing of it, the first half of its bytes, or
# half of its bits, all over.
TEARS = ("nothing", "bytes", "bits")

_ONES = b"\xff" * BLOCK
_HALF = b"\x55" * BLOCK

_COUNT = 4  # MicroPython's block device protocol
_SIZE = 5
_ERASE = 6


class Flash:
    """NOR flash: to erase a block sets all its bits, to program clears some.

    done: how many operations there were; at that of the number `cut` the power goes, and leaves
    what `tear` says: then nothing changes any more, whatever the firmware still does. erased: how
    often, of each block.
    """

    def __init__(self, port, blocks=0, data=None):
        """data: what it holds; without, it has so many blocks and is formatted."""
        if not hasattr(vfs, "VfsLfs2"):
            raise Skip("this MicroPython has no littlefs: `make setup` brings one that has")
        self.port = port
        self.program = PORTS[port]
        self.data = bytearray(data or _ONES * blocks)
        self.erased = [0] * (len(self.data) // BLOCK)
        self.done = 0
        self.cut = self.tear = None
        self.off = False
        if not data:
            vfs.VfsLfs2.mkfs(self, progsize=self.program)

    def mount(self, **how):
        """Start the board, with littlefs at ROOT; what was there before ends."""
        try:
            vfs.umount(ROOT)
        except OSError:
            pass
        vfs.mount(vfs.VfsLfs2(self, progsize=self.program), ROOT, **how)
        return self

    def again(self, **how):
        """The board after a reset: what this flash holds, no operation done, no power cut."""
        return Flash(self.port, data=self.data).mount(**how)

    def readblocks(self, number, buf, offset=0):
        at = number * BLOCK + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, number, buf, offset=0):
        at = number * BLOCK + offset
        size = len(buf)
        assert at % self.program == size % self.program == 0
        old = self.data[at : at + size]
        new = bytes(buf)
        if old != _ONES[:size]:
            new = (_int(old) & _int(new)).to_bytes(size, "big")
        return self._change(at, old, new)

    def ioctl(self, op, number):
        if op == _COUNT:
            return len(self.erased)
        if op == _SIZE:
            return BLOCK
        if op == _ERASE:
            at = number * BLOCK
            self.erased[number] += 1
            return self._change(at, self.data[at : at + BLOCK], _ONES)
        return 0

    def _change(self, at, old, new):
        if self.off:
            return -EIO
        size = len(new)
        if self.done == self.cut:
            if self.tear == "bytes":
                new = new[: size // 2] + old[size // 2 :]
            elif self.tear == "bits":
                half = _int(_HALF[:size])
                new = (_int(old) & half | _int(new) & ~half).to_bytes(size, "big")
            else:
                new = old
            self.off = True
        self.data[at : at + size] = new
        self.done += 1
        return 0


def _int(data):
    return int.from_bytes(data, "big")


def names():
    """The files there are."""
    return sorted(os.listdir(ROOT))


def contents(path=PATH):
    """The bytes of a file; b"" without one."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


def fill(path, data):
    with open(path, "wb") as f:
        f.write(data)
