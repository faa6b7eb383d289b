"""Finds the pages of the clusters that work for a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..base.units import listed
from ..core.block_core import BlockCore


def find_dashboards(blocks: Iterable[BlockCore]) -> Iterator[str]:
    """Yield a sentence for each page, with the blocks for which the cluster works."""
    pages: dict[str, list[str]] = {}
    for block in blocks:
        if block.dashboard:
            pages.setdefault(block.dashboard, []).append(str(block))
    for page, names in pages.items():
        yield f"the dashboard of the cluster of {listed(tuple(names))}: {page}"
