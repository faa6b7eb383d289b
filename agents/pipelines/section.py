"""A pipeline as one part of a network that is built by hand."""

from __future__ import annotations

from typing import Any, TypeVar

from penstock.blocks import Block, Source, Target
from penstock.blocks.core.block import Cored, inside
from penstock.blocks.core.inbox import Inbox
from penstock.blocks.core.outbox import Outbox

from .stage import Stage
from .stages import Stages
from .steps import Made

In = TypeVar("In")
Out = TypeVar("Out")


class SectionCore:
    """The core of a section. It hands everything on to its first and last block, and holds nothing itself.

    Attributes:
        name: The name in messages.
        blocks: The blocks.
        inbox: Where items come in.
        outbox: Where results come out.
        stands_for: The part that a network runs instead of the section; it finds the other blocks by their links.
    """

    def __init__(self, made: Made, name: str) -> None:
        self.name: str = name
        self.blocks: tuple[Block, ...] = made.blocks
        self.stages: Stages = Stages(made.blocks)
        self.stands_for: Any = inside(made.first)
        self.inbox: Inbox[Any] = self.stands_for.inbox
        self.outbox: Outbox[Any] = inside(made.last).outbox

    def __str__(self) -> str:
        return f"section {self.name!r}"

    def __repr__(self) -> str:
        return f"<Section {self.name!r}, {len(self.blocks)} blocks>"

    def inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        """The inbox at which a new link from a source ends."""
        inlet: Inbox[Any] = self.stands_for.inlet(outbox)
        return inlet


class Section(Cored, Target[In], Source[Out]):
    """The blocks of a pipeline, linked in a line, to be used like one block in a network that is built by hand.

    Made by `Pipeline.section()`. Link sources to it and targets behind it, send to it and receive from it, and give it
    to a `Network`. Its blocks appear in the reports one by one. Each section has blocks of its own, for one run.
    """

    __slots__ = ("__weakref__",)
    _core: SectionCore

    def __init__(self, made: Made, name: str) -> None:
        self._core = SectionCore(made, name)

    @property
    def name(self) -> str:
        """The name in messages."""
        return self._core.name

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, in the order of the pipeline."""
        return self._core.blocks

    def stage(self, name: str) -> Stage:
        """Return a stage, whose `concurrency` and `rate` can be changed at any time, in the thread of the loop.

        Args:
            name: The name of the stage in the pipeline; the network may have added a number to that of its block.

        Raises:
            KeyError: There is no such stage.
        """
        return self._core.stages.find(name)
