"""Warns that a network seems to hang, when it is not certain that nothing can move.

`Stalled` is raised only with a proof. Two things can prevent a proof: the deadlines of tasks cannot be read, or a task
or thread that has never used the network may still do so.
"""

from __future__ import annotations

import logging
import math
import warnings
from typing import TYPE_CHECKING

from ..base.log import fields, log
from ..base.trio_details import waits_for_children
from ..core.waiting import idle_tasks, parked
from .outside import deadline_of, has_way_out
from .standstill import known_tasks

if TYPE_CHECKING:
    from ..core.view import View


class Doubts:
    """Gives at most one warning per run of a network."""

    def __init__(self, network: View) -> None:
        self._network = network
        self._has_spoken = False

    def speak_up(self) -> None:
        """Warn if the network seems to hang; called when it has been watched for some time and nothing has moved."""
        if self._has_spoken or self._network.is_paused:
            return
        from .diagnosis import diagnose  # late: most networks never seem to hang

        network = self._network
        known = known_tasks(network)
        if any(task not in parked and task not in idle_tasks and not waits_for_children(task) for task in known):
            return  # a task is at work elsewhere
        waiting = [task for task in known if task in parked]
        if any(deadline_of(task) == -math.inf for task in waiting):
            self._has_spoken = True
            warnings.warn(
                f"network {network.name!r} seems to hang, but this version of trio does not show when its waits end\n"
                f"{diagnose(network, is_stalled=True)}",
                RuntimeWarning,
                stacklevel=1,
            )
        elif not any(has_way_out(network, task) for task in waiting):
            self._has_spoken = True
            log.log(
                logging.WARNING if network.measures.body.emitted else logging.INFO,  # it may be an idle service
                "network %r can go on only if a task or thread that has not used it so far sends a message\n%s",
                network.name,
                diagnose(network, is_stalled=True),
                extra=fields("seems_to_hang", network=network.name),
            )
