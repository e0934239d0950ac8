"""The laptop: a Linux interface, under the MicroPython VM or CPython."""

from link import Interface
from store import File


def nic(name, **how):
    """The link of the interface `name`; `how`: as link.Interface takes it."""
    return Interface(name, **how)


def store(path):
    """The store in the file `path`, for a Client: where this is "/dev/null", or somebody's text,
    what a board would do with it must not happen. ValueError: why it will not do, in words.
    """
    return File(path)
