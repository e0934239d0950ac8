"""The laptop: a Linux interface, under the MicroPython VM or CPython."""

from link import Interface


def nic(name, apply=True):
    """The link of the interface `name`; with `apply` false, address, route and resolver are left
    alone.
    """
    return Interface(name, apply)
