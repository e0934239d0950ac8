"""The firmware keeps within the budget that tools/size.py has."""

import pytest

import size


@pytest.mark.parametrize("name", ["core", "total"])
def test_flash_is_within_the_budget(name: str) -> None:
    assert size.flash(size.modules())[name] <= size.BUDGET[name].must


@pytest.mark.parametrize("bits", [64, 32])
def test_heap_after_import_is_within_the_budget(bits: int) -> None:
    machine = size.machine(bits)
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    assert size.heap(bits) <= size.BUDGET[f"heap{bits}"].must
