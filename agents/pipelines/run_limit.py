"""The limit of one run of a pipeline, which can be changed while it runs."""

from __future__ import annotations

from penstock.agents.governor import PipelineGovernor
from penstock.blocks.base.checks import check_count, check_number

from .flow_limit import FlowLimit
from .outlet import Outlet


def check_least(who: str, limit: int, least: int) -> None:
    """Raise a `ValueError` if so few items may come in that a batch never gets full."""
    if limit < least:
        raise ValueError(f"{who}: limit must be at least {least}, which the batches of this pipeline need, got {limit}")


class RunLimit:
    """The limit of one run. It is checked in the thread of the caller, and changed in the thread of the loop.

    Args:
        governor: The governor of the run; None if there is no limit.
        least: How many items must be able to come in.
        in_bytes: Whether the limit is a number of bytes.
        outlet: The last block, if it hands the results over to another thread.
    """

    def __init__(
        self, governor: PipelineGovernor | None, least: int, in_bytes: bool, outlet: Outlet[object] | None
    ) -> None:
        self._governor = governor
        self._least = least
        self._in_bytes = in_bytes
        self._outlet = outlet
        self._asked: float | None = None  # the loop may not have seen it yet

    @property
    def limit(self) -> float | None:
        """The limit that holds, or was asked for; None if there is none."""
        if self._asked is not None:
            return self._asked
        return None if self._governor is None else self._governor.limit

    def ask(self, who: str, limit: float | None) -> float:
        """Check a new limit, and return it.

        Raises:
            ValueError: It is out of its range.
            RuntimeError: The run has no limit.
        """
        if self._governor is None:
            raise RuntimeError(
                f"{who}: this run was started with limit=None; start it with a limit that can be changed"
            )
        if self._in_bytes:
            check_number(who, "limit, the number of bytes,", limit, above=True)
        else:
            check_count(who, "limit", limit)
            assert isinstance(limit, int)
            check_least(who, limit, self._least)
        assert limit is not None
        self._asked = limit
        return limit

    def fit(self, usual: int) -> None:
        """Let a limit that was not given be the usual one, which depends on the concurrencies; in the loop's thread."""
        if isinstance(self._governor, FlowLimit):
            self._governor.fit(usual)

    def change(self, limit: float) -> None:
        """Let the new limit hold. Call it in the thread of the loop, or before the run starts."""
        governor = self._governor
        assert governor is not None
        if isinstance(governor, FlowLimit):
            governor.fix()
        governor.limit = limit
        if self._outlet is not None and not self._in_bytes:
            self._outlet.change_bound(int(limit))
