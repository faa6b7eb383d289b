"""The exceptions of the library that a caller may want to catch by name; it raises trio's exceptions too."""

from __future__ import annotations

from .diagnosis import Diagnosis


class Declined(Exception):
    """A target did not take a message: its filter declined it, or the target is complete, or it is full and rejects.

    The item was not accepted, and still belongs to the sender.
    """


class Stalled(Exception):
    """Nothing in a network can move any more, although items are held or a task waits; or tasks wait in a circle.

    Attributes:
        report: Where items are held, and which part waits for which, as text for people.
        diagnosis: The same as an object; None if a network did not make the exception.
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
        report: Where the items of the network were, as text for people; empty if the limit was for one item.
    """

    def __init__(self, message: str, report: str = "") -> None:
        super().__init__(message)
        self.report = report

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.report}" if self.report else str(self.args[0])


class WorkerDied(Exception):
    """A worker process ended while it had an item: it was killed, it crashed, or the function ended it.

    How much of the function has run is unknown. If the item is tried again, its side effects may happen twice.
    """


class RemoteError(Exception):
    """Stands for an exception of another process that cannot be sent here, for example because it cannot be pickled.

    The text has the type and the message of the original. The traceback in the other process is in a note, as for all
    errors from another process.
    """


class LoopHeldWarning(RuntimeWarning):
    """A block has held the event loop for more than 100 ms: nothing else could run during that time.

    The cause is its function, the iterable of a source, or a filter, key or weight. Each block reports this once. Give
    the block an executor, for example `Threads(n)`.
    """
