"""One bar of a chart: the work of a worker on an item, or a wait, with its start and end."""

from __future__ import annotations

import attrs

from ..base.activity import Activity


@attrs.frozen(slots=True)
class Span:
    """The work of a worker on an item, or a wait, with its start and end.

    Attributes:
        stage: The block or agent; "body" for the body of the network.
        worker: The worker (a thread, a process, a task), if the stage has workers; else the stage.
        item: The number of the item, the same in every stage that it passes; from 1, in the order in which items were
            first seen. An item made from several items has the number of the first of them. An item that an agent sends
            keeps its number if the agent has received it; otherwise it has the number of the item that the agent
            received last. 0 for no item.
        start: Seconds since the start of the network.
        end: Seconds since the start of the network.
        activity: The kind of work or wait.
        label: The item as text when work on it began, shortened; empty if there is no item.
        error: The failure, in one line; empty if there was none.
    """

    stage: str
    worker: str
    item: int
    start: float
    end: float
    activity: Activity = Activity.WORK
    label: str = ""
    error: str = ""

    @property
    def seconds(self) -> float:
        """The length of the span."""
        return self.end - self.start
