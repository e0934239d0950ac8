"""What a case may use, alike under pytest and in every VM.

A case is a `test_*` function of a `test_*.py` here, with bare asserts and no fixtures. It runs
under CPython and once in each VM; `VMS = ("vm64", "vm32")` at the top of a file names those that
it can run in ("cpython" is the first of all; "vm32" stands for every version of it). `FOLDERS`
names those to import from besides, from this one on; `HEAP` is the bytes of heap that it takes.
"""

import gc
import sys

import dhcpc

try:
    import pytest
except ImportError:  # in a VM
    pytest = None
    import micropython

    class Skip(Exception):
        """Raise it with the reason, and the remedy, where a case cannot run."""

else:
    Skip = pytest.skip.Exception


def rfc(*keys):
    """Decorator: the rules of host_tests/rules that a case shows, as in "2131 2 xid-random"."""
    return pytest.mark.rfc(*keys) if pytest else lambda case: case


def raises(error, f, *args):
    """The text of the `error` that f(*args) raises; AssertionError if it raises none."""
    try:
        f(*args)
    except error as e:
        return str(e)
    raise AssertionError("no %s" % error.__name__)


def home(module):
    """Where the globals of a module of dhcpc are, for a case that puts another thing in place of
    one: in that module, or in the root package, where a board's one file has those of all.
    """
    return getattr(dhcpc, module, dhcpc)


def called(user, name):
    """What a module of dhcpc calls a built-in module: a compiled one has a "u" before its name."""
    return "u" + name if hasattr(user, "u" + name) else name


class Module:
    """What `import` gives."""


def module(**what):
    """A module that has these."""
    made = Module()
    for name in what:
        setattr(made, name, what[name])
    return made


class imported:
    """For a `with` block: `import` finds these modules, by their names."""

    def __init__(self, modules):
        self.modules = modules

    def __enter__(self):
        self.were = [(name, sys.modules.get(name)) for name in self.modules]
        sys.modules.update(self.modules)

    def __exit__(self, *error):
        for name, was in self.were:
            if was is None:
                del sys.modules[name]
            else:
                sys.modules[name] = was


# Heap, in bytes; in the VMs alone. What a call's own frame takes it gives back unseen.


def allocated(f):
    """What f() takes from the heap, what it leaves as garbage included."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    f()
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def kept(f):
    """What the result of f() keeps. Not in vm32: it does not collect while a case runs."""
    gc.collect()
    before = gc.mem_alloc()
    result = f()
    gc.collect()
    after = gc.mem_alloc()
    del result
    return after - before


def without_heap(f):
    """The result of f(), which must not take anything from the heap: MemoryError where it does."""
    micropython.heap_lock()
    try:
        return f()
    finally:
        micropython.heap_unlock()
