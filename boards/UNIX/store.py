"""Lease records on a computer, where other things are files, too. For MicroPython's UNIX port and
CPython.
"""

import os

from dhcpc import Store

_KIND = 0xF000  # of a file's mode
_REGULAR = 0x8000


class File(Store):
    """The records in a file, and in one beside it with a `~` behind its name while they are
    written. Neither may be there with anything else in it.
    """

    def __init__(self, path):
        """ValueError: why the file will not do, in words."""
        super().__init__(path)
        self._check()
        new = path + "~"
        try:
            os.stat(path[: path.rfind("/") + 1] or ".")
        except OSError:
            raise ValueError("store %s: there is no such directory" % path)
        try:
            had = _stat(new)
            open(new, "ab").close()
            if not had:
                os.remove(new)
        except OSError as error:
            raise ValueError("store %s: cannot be written: [Errno %d]" % (path, error.args[0]))

    def write(self, data):
        """Replace what was written last. OSError: it is still there. ValueError: something else is
        there by now.
        """
        self._check()
        super().write(data)

    def _check(self):
        for path in (self.path, self.path + "~"):
            found = _stat(path)
            if not found:
                continue
            if found[0] & _KIND != _REGULAR:
                raise ValueError("store %s: is not a file" % path)
            size = found[6]
            if size and (size > self.most * self.room or not Store(path).records()):
                raise ValueError(
                    "store %s: holds no lease records; name another file, or remove it" % path
                )


def _stat(path):
    # None: it is not there.
    try:
        return os.stat(path)
    except OSError:
        return None
