"""The running network for code that inspects it: deadlock detection, statistics, limits and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio

from ..base.network_statistics import Statistics
from .balance import Balance
from .block_core import BlockCore
from .ports import Host, Member, Part


class View(Host, Protocol):
    """A network, as code that inspects it sees it; only `end_shutdown_buffers` changes it.

    Attributes:
        outside: The tasks outside the network that have used one of its blocks.
    """

    outside: set[trio.lowlevel.Task]

    @property
    def given(self) -> Sequence[Part]:
        """The nodes with which the network was made."""
        ...

    @property
    def nodes(self) -> dict[Part, None]:
        """Its blocks and agents."""
        ...

    @property
    def blocks(self) -> tuple[BlockCore, ...]:
        """The blocks of the network, in the order in which they joined."""
        ...

    @property
    def agents(self) -> Sequence[Member]:
        """Its agents."""
        ...

    @property
    def body_task(self) -> trio.lowlevel.Task | None:
        """The task that has entered the network."""
        ...

    @property
    def is_paused(self) -> bool:
        """Whether a block or an agent is paused."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether the network has ended."""
        ...

    @property
    def late_errors(self) -> list[BaseException]:
        """The errors of clean-ups and hooks, which are not raised elsewhere."""
        ...

    @property
    def outer_deadline(self) -> float:
        """The deadline of the cancel scopes around the network, by trio's clock."""
        ...

    def end_shutdown_buffers(self) -> None:
        """Complete the shutdown buffers that are linked into this network."""
        ...

    def balance(self) -> Balance:
        """The accounts: what happened to every item that each block accepted."""
        ...

    def statistics(self) -> Statistics:
        """The statistics of every block, agent and governor so far."""
        ...
