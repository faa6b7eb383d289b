"""The exceptions of the messaging layer that a caller may want to catch by name; the rest are trio's own."""

from __future__ import annotations

from .diagnosis import Diagnosis


class Declined(Exception):
    """A target did not take the message that was sent: its filter said no, it is complete, or it is full and rejects.

    The item was not accepted and is still the sender's.
    """


class Stalled(Exception):
    """Nothing in a network can move any more, although items are held or a task waits.

    Attributes:
        report: Where items are held and which part waits for which, as text for people.
        diagnosis: The same as an object; None if the exception was not made by a network.
    """

    def __init__(self, message: str, report: str, diagnosis: Diagnosis | None = None) -> None:
        super().__init__(message)
        self.report = report
        self.diagnosis = diagnosis

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.report}"


class TimeLimitExceeded(TimeoutError):
    """A network, or an item in a block, has taken longer than its time limit allows.

    Attributes:
        report: Where the items of the network were, as text for people; empty if the limit was that of one item.
    """

    def __init__(self, message: str, report: str = "") -> None:
        super().__init__(message)
        self.report = report

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.report}" if self.report else str(self.args[0])


class WorkerDied(Exception):
    """A worker process has ended while it had an item: it was killed, it crashed, or the function ended it.

    It is unknown how far the function has come. If the item is tried again, its side effects may happen twice.
    """


class RemoteError(Exception):
    """Stands for an exception of another process that could not be brought here: it cannot be pickled, say.

    Its text names the type of the original and what that said; the traceback there is in a note, as for all errors
    that come from another process.
    """


class LoopHeldWarning(RuntimeWarning):
    """A block has held the event loop for more than 100 ms at a stretch: nothing else could run meanwhile.

    It was its function, the iterable of a source, or a filter, key or weight. Each block reports it once. Give the
    block an executor, `Threads(n)` say.
    """
