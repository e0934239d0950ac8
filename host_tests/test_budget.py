"""The firmware keeps within the budget that tools/size.py has."""

import pytest

from measure import footprint


@pytest.mark.parametrize("name", ["core", "total"])
def test_flash_is_within_the_budget(name: str) -> None:
    assert footprint.flash(footprint.modules())[name] <= footprint.BUDGET[name].must


@pytest.mark.parametrize("bits", [64, 32])
def test_heap_after_import_is_within_the_budget(bits: int) -> None:
    machine = footprint.machine(bits)
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    assert footprint.heap(bits) <= footprint.BUDGET[f"heap{bits}"].must
