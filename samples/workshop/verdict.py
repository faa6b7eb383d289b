"""What a check has found."""

from __future__ import annotations

import json
from enum import Enum

import attrs

__all__ = ["Outcome", "Verdict"]


class Outcome(Enum):
    """How a check can end."""

    SOLVED = "solved"
    REFUSED = "refused"
    """A law is broken."""
    BROKEN = "broken"
    """The file cannot be run, or its code raises an exception."""


@attrs.frozen
class Verdict:
    """What a check has found.

    Args:
        outcome: how it ended.
        seen: what the answer did; if it is solved, with the numbers.
        hint: what to do.
        law: the law that is broken; empty if none is.
        printed: what the learner's code has printed.
    """

    outcome: Outcome
    seen: str
    hint: str = ""
    law: str = ""
    printed: str = ""

    def to_json(self) -> str:
        """Return the verdict as text for another process."""
        return json.dumps(attrs.asdict(self) | {"outcome": self.outcome.value})

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Return the verdict that another process has written."""
        fields = json.loads(text)
        return cls(**fields | {"outcome": Outcome(fields["outcome"])})
