"""Calls the function of a tap on the loop: the runner has the items, and the results are not used."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from .inline_runner import InlineRunner


class TappingRunner(InlineRunner):
    """Maps a plain function over batches of items, and hands on the items."""

    passes_on = True
    __slots__ = ()

    def _give(self, items: Sequence[Any], results: list[Any]) -> None:
        self.block.emit(list(islice(items, len(results))))
