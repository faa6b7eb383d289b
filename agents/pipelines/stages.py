"""The stages of a run or of a section, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.blocks import Block
from penstock.blocks.base.names import BODY
from penstock.blocks.base.statistics import LEFT
from penstock.blocks.core.block_core import core_of
from penstock.blocks.core.unique_names import UniqueNames
from penstock.blocks.functions.function_block import FunctionCore

from .stage import Change, Stage


def at_once(change: Change) -> None:
    """Make a change."""
    change()


def nothing() -> None:
    """Do nothing."""


def name_apart(blocks: Sequence[Block], source: str) -> None:
    """Give blocks the names that they will have in their network, in the order of the stages.

    Args:
        blocks: The blocks of the stages.
        source: The name of the source.
    """
    names = UniqueNames((BODY, LEFT, source))
    for block in blocks:
        block.name = names.take(block.name)


class Stages:
    """The stages of a run or of a section, by name. If several have the same name, the later ones get numbers.

    Args:
        blocks: The blocks of the stages, in order.
        change: Makes a change where the blocks run.
        changed: Called after the concurrency of a stage has changed.
    """

    def __init__(
        self, blocks: Sequence[Block], change: Callable[[Change], None] = at_once, changed: Change = nothing
    ) -> None:
        names = UniqueNames()
        cores = {names.take(block.name): core_of(block) for block in blocks}
        self._stages = {name: Stage(name, core, change, changed) for name, core in cores.items()}
        self._cores = cores

    def __str__(self) -> str:
        return ", ".join(map(repr, self._stages))

    def find(self, name: str) -> Stage:
        """Return the stage with a name.

        Raises:
            KeyError: There is none.
        """
        if name not in self._stages:
            raise KeyError(f"no stage {name!r}; there are {self}{self._where(name)}")
        return self._stages[name]

    def _where(self, name: str) -> str:
        """In which stage a function is that has no stage of its own."""
        from .fused import Fused  # late: only for an error

        for stage, core in self._cores.items():
            function = core.function if isinstance(core, FunctionCore) else None
            if isinstance(function, Fused) and name in [task.name for task in function.tasks]:
                return f"; the plan has put {name!r} into {stage!r}"
        return ""
