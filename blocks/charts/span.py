"""One bar of the diagram: who was busy with which item, or waited, from when to when."""

from __future__ import annotations

import attrs

from ..base.activity import Activity


@attrs.frozen(slots=True)
class Span:
    """Who did what with which item, from when to when.

    Attributes:
        stage: The block or agent; "body" for the body of the network.
        worker: Who worked for it, if it has workers (a thread, a process, a task), else the stage.
        item: The number of the item, the same in every stage that it passes; in the order in which items were first
            seen, from 1 on. What is made of several items has the number of the first of them. What an agent sends
            has its own number if the agent has received it, and else that of what it received last. 0: no item is
            concerned.
        start: Seconds since the start of the network.
        end: Seconds since the start of the network.
        activity: What was done.
        label: What the item looked like when work on it began, shortened; empty if no item is concerned.
        error: How the work failed, in a line; empty if it did not.
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
        """How long it took."""
        return self.end - self.start
