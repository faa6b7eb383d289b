"""The exceptions of the messaging layer that a caller may want to catch by name; the rest are trio's own."""

from __future__ import annotations


class Declined(Exception):
    """A target did not take the message that was sent: its filter said no, it is complete, or it is full and rejects.

    The item was not accepted and is still the sender's.
    """


class Stalled(Exception):
    """Nothing in a network can move any more, and yet items are held or somebody waits.

    Attributes:
        report: Who holds what and who waits for whom, as text for people.
    """

    def __init__(self, message: str, report: str) -> None:
        super().__init__(message)
        self.report = report

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.report}"
