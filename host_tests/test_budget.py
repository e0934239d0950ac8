"""The firmware keeps within the budget that tools/size.py has."""

import pytest

from measure import footprint
from toolchain.package import ROOT_MODULE


def test_what_every_board_gets_is_within_the_budget() -> None:
    assert footprint.files()[ROOT_MODULE] <= footprint.BUDGET["total"].must


def test_the_protocol_is_within_the_budget() -> None:
    assert footprint.core() <= footprint.BUDGET["core"].must


@pytest.mark.parametrize("bits", [64, 32])
def test_heap_after_import_is_within_the_budget(bits: int) -> None:
    machine = footprint.machine(bits)
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    assert footprint.heap(bits) <= footprint.BUDGET[f"heap{bits}"].must
