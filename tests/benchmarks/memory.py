"""The peak of the memory in use while a governed chain runs, by the number of items."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

from .chains import increments, penstock_governed
from .measuring import Effort, Row, WrongResult

FEW, MANY = 100_000, 1_000_000
BLOCKS = 4
GROWTH = 1.1


def rows(effort: Effort) -> Iterator[Row]:
    """Compare ten times the items."""
    few, many = effort.items(FEW, 2_000), effort.items(MANY, 20_000)
    peak_of(few)  # what is made once and stays
    before, after = peak_of(few), peak_of(many)
    growth = after / before
    yield Row("memory", f"{few:,} items", f"{before / 1024:,.0f} KiB peak")
    value = f"{after / 1024:,.0f} KiB peak"
    yield Row("memory", f"{many:,} items", value, growth, "a tenth of it", f"≤ {GROWTH:g} ×", growth <= GROWTH)


def peak_of(items: int) -> int:
    """The most bytes that Python objects took at once."""
    gc.collect()
    tracemalloc.start()
    try:
        delivered = increments(penstock_governed, BLOCKS, items)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if delivered != items:
        raise WrongResult(f"{items} items went in and {delivered} came out")
    return peak
