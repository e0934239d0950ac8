"""The part of a virtual board that runs in the MicroPython VM: flash in a file, a start as
a board starts. Once it has begun, what the VM sees of files is what is in that flash.
"""

import os
import sys

try:
    import vfs
except ImportError:  # before MicroPython 1.23
    import os as vfs

_PROGRAM_SIZE = 256  # what an rp2 board writes at a time


class Flash:
    """A block device whose blocks are in a file, written through at once: what is there when the
    power fails is there at the next boot.
    """

    def __init__(self, path, block):
        self.file = open(path, "r+b")
        self.block = block
        self.count = os.stat(path)[6] // block

    def readblocks(self, number, buf, offset=0):
        """Fill `buf`."""
        self.file.seek(number * self.block + offset)
        self.file.readinto(buf)

    def writeblocks(self, number, buf, offset=0):
        """Write `buf` to where it was erased."""
        self.file.seek(number * self.block + offset)
        self.file.write(buf)

    def ioctl(self, op, number):
        """vfs.AbstractBlockDev: 4 asks for the count of blocks, 5 for their size, 6 erases one."""
        if op == 4:
            return self.count
        if op == 5:
            return self.block
        if op == 6:
            self.file.seek(number * self.block)
            self.file.write(b"\xff" * self.block)
        return 0


class _Sys:
    # What `import sys` finds: the VM's own, with another `implementation`.

    def __init__(self, instead):
        self.implementation = _Implementation(instead)

    def __getattr__(self, name):
        return getattr(sys, name)


class _Implementation:
    def __init__(self, instead):
        for name in instead:
            setattr(self, name, instead[name])

    def __getattr__(self, name):
        return getattr(sys.implementation, name)


def mount(flash, new=True):
    """Mount it as the only file system. The host's is then out of reach. new: format it unless it
    is, as a board's _boot.py does. OSError: there is none.
    """
    try:
        fs = vfs.VfsLfs2(flash, progsize=_PROGRAM_SIZE)
    except OSError:
        if not new:
            raise
        vfs.VfsLfs2.mkfs(flash, progsize=_PROGRAM_SIZE)
        fs = vfs.VfsLfs2(flash, progsize=_PROGRAM_SIZE)
    vfs.umount("/")
    vfs.mount(fs, "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]


def start(variables, app, instead):
    """Run boot.py and, with `app`, main.py, as far as they are there; after an exception no more.

    variables: where their globals go, and the prompt's. instead: what sys.implementation is to
    say, other than the truth.
    """
    variables.clear()
    variables["__name__"] = "__main__"
    for name in (__name__, __name__.split(".")[0]):  # and the room that it stands in
        sys.modules.pop(name)
    if instead:
        sys.modules["sys"] = _Sys(instead)
    for name in ("boot.py", "main.py") if app else ("boot.py",):
        try:
            with open(name) as f:
                source = f.read()
        except OSError:
            continue
        try:
            exec(compile(source, name, "exec"), variables)
        except SystemExit:
            raise
        except BaseException as error:
            sys.print_exception(error)
            return
