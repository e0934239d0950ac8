"""The kit itself: what the cases that measure heap rest on."""

import dhcpc
from kit import allocated, raises, without_heap

VMS = ("vm64", "vm32")


def nothing():
    pass


def hundred_bytes():
    return bytearray(100)


def test_allocated_counts_garbage_and_nothing_of_its_own():
    assert allocated(nothing) == 0
    assert 100 <= allocated(hundred_bytes) <= 200


def test_without_heap_refuses_an_allocation():
    without_heap(nothing)
    raises(MemoryError, without_heap, hundred_bytes)
    assert len(hundred_bytes()) == 100


def test_raises_tells_when_nothing_was_raised():
    assert raises(AssertionError, raises, ValueError, nothing) == "no ValueError"


def test_the_vm_runs_what_a_board_gets():
    oldest = dhcpc.__file__.endswith("/firmware/dhcpc/__init__.py")
    assert oldest or dhcpc.__file__.endswith("/build/mpy/dhcpc/__init__.mpy")
