"""What a block does about an item for which its function has raised."""

from __future__ import annotations

import logging
from traceback import clear_frames
from typing import Any, NoReturn

import trio

from ..base.error_info import ErrorInfo, Shown, annotate
from ..base.log import fields, log
from ..core.block_core import BlockCore
from ..core.carried import lease_with, plain
from ..core.outbox import Outbox
from ..core.watchers import watchers
from .at_end import END
from .item_limit import ItemTimeout
from .key_turns import LAST_TRY
from .policies import Action, Attempt, Failures


class FailingCore(BlockCore):
    """The core of a block with a policy for errors.

    Attributes:
        failures: Decides by the policy.
        dead: The dead letters; None if the policy has none.
    """

    __slots__ = ("dead", "failures")
    dead: Outbox[ErrorInfo] | None
    failures: Failures

    def fault(self, error: BaseException, item: object, number: int) -> NoReturn:
        """Stop the network because the function raised."""
        assert self.host is not None
        if item is END:
            self.counts["consumed"] += 1  # it is not an item, and was subtracted there when it came
            annotate(error, f"raised by at_end, behind item {number - 1}")
            self.host.fault(error, phase=self.name)
            raise error
        self.counts["dropped:fault"] += 1
        self.counts["failed"] += 1
        self.host.fault(error, phase=self.name, item=item, number=number)
        raise error

    def handle(self, error: BaseException, item: Any, number: int, last: Attempt | None) -> Attempt | None:
        """Apply the policy to a failed item.

        Args:
            error: The exception that was raised.
            item: The item.
            number: The number of the item.
            last: The try that failed; None for the first call.

        Returns:
            The next try, or None if there is none.
        """
        lease = None if isinstance(error, ItemTimeout) else lease_with(item)  # a late call may still use it
        again: Attempt | None = None
        try:
            again = self._decide(error, plain(item), number, last)
        finally:
            if again is None and lease is not None:
                lease.give_back()  # otherwise the exception may keep the lease, through its frames
        return again

    def _decide(self, error: BaseException, item: Any, number: int, last: Attempt | None) -> Attempt | None:
        if not isinstance(error, Exception):
            self.fault(error, item, number)
        if isinstance(error, ItemTimeout):
            error = error.with_item(str(self), item, number)
        again = self._try_again(error, item, number, last)
        action = Action.RETRY if again is not None else self._give_up(error, item, number, last)
        if action is not Action.FAIL and log.isEnabledFor(logging.INFO):
            network = None if self.host is None else self.host.name
            what = fields(f"item_{action.name.lower()}", network=network, block=self.name, item=number, error=error)
            log.info("%s: item %d: %s: %s", self, number, action.value, Shown(error), extra=what)
        if action is not Action.FAIL and self.host is not None:
            for watcher in watchers.now:
                watcher.fails(self.host, self.name, number, item, error, action.value)
        if action is Action.FALLBACK:
            clear_frames(error.__traceback__)  # otherwise they would keep the lease while the fallback is called
            again = Attempt(1 if last is None else last.number + 1, 0.0, trio.current_time(), error)
        if again is not None:
            self.counts["retried"] += 1
            return again
        if action is Action.FAIL:
            if self.failures.given_up:
                share = f"{self.failures.given_up} of {self.failures.seen} items failed"
                annotate(error, f"the error budget of {self} is exceeded: {share}")
            self.fault(error, item, number)
        self.counts["failed"] += 1
        if action is Action.SKIP:
            self.drop("skipped", (item,), (number,))
        else:
            self.announce_loss((item,), (number,))
            info = ErrorInfo(self.name, item, number, error)
            self.merged_into((item,), info)
            assert self.dead is not None
            self.dead.queue.append(info)
            self.dead.flush()
        return None

    def _give_up(self, error: Exception, item: Any, number: int, last: Attempt | None) -> Action:
        """Decide about an item that is not tried again by its function."""
        cause = None if last is None else last.cause
        if cause is not None:
            annotate(error, f"raised by the fallback of {self}; its function had raised {Shown(cause)}")
            error.__cause__ = error.__cause__ or cause
        may_fall_back = cause is None and item is not END and last is not LAST_TRY
        return self.failures.decide(number, may_drop=item is not END, may_fall_back=may_fall_back)

    def _try_again(self, error: Exception, item: Any, number: int, last: Attempt | None) -> Attempt | None:
        try:
            return self.failures.try_again(error, last, trio.current_time())
        except BaseException as broken:
            broken.__cause__ = error
            self.fault(broken, item, number)
