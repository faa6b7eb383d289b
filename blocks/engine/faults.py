"""The faults of one run: each is recorded once, and comes out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..base.error_info import ErrorInfo, Shown, annotate, is_cancellation
from ..base.log import fields, log

if TYPE_CHECKING:
    from ..core.ports import Host


class Faults:
    """The faults of one run.

    Args:
        host: The run.

    Attributes:
        late: The errors of clean-ups and hooks, which are not raised elsewhere.
        by_others: Whether the run was stopped by a fault of another network.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._known: list[BaseException] = []
        self.late: list[BaseException] = []
        self.by_others: bool = False

    def __len__(self) -> int:
        return len(self._known)

    def add(self, error: BaseException, phase: str, item: object, number: int | None) -> None:
        """Record a fault, once."""
        if any(error is known for known in self._known):
            return
        self._known.append(error)
        host = self._host
        info = ErrorInfo.of(error, phase=phase, item=item, number=number)
        annotate(error, info.where)
        found = fields("fault", network=host.name, block=phase, item=number, error=error)
        log.info("%s: fault %s: %s", host, info.where, Shown(error), extra=found)
        if isinstance(error, Exception):
            self.late.extend(host.shutdown.fault(info))

    def outcome(self, error: BaseException | None, cancel_called: bool) -> str:
        """How the run has ended, in a word."""
        if self._known or self.by_others:
            return "failed"
        if cancel_called or (error is not None and is_cancellation(error)):
            return "cancelled"
        return "done" if error is None else "failed"

    def raise_late(self, error: BaseException | None) -> None:
        """Raise the late errors that do not come out of the run with `error` anyway."""
        late = [late for late in self.late if not is_in(error, late)]
        if late:
            known = [] if error is None else list(getattr(error, "exceptions", [error]))
            raise BaseExceptionGroup(f"{self._host} was stopped", [*known, *late]) from None


def is_in(error: BaseException | None, other: BaseException) -> bool:
    """Whether an error is another one, or a group that contains it."""
    if isinstance(error, BaseExceptionGroup):
        return any(is_in(inner, other) for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions)
    return error is other
