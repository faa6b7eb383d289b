"""The description that a block gives of itself, for the checks before a start, deadlock detection and the reports.

These never test the class of a block. So a user's own block with a correct shape gets the same advice as a block of the
library.
"""

from __future__ import annotations

import math

import attrs


@attrs.frozen(kw_only=True)
class Shape:
    """Says what a kind of block does with messages.

    Attributes:
        group: The number of input messages that make one output message, >= 1; 1 also if this is not known.
        group_remedy: Advice for the user about a group that cannot get full.
        group_is_timed: Whether a group goes out after some time although it is not full.
        expands: Whether more messages may come out than go in.
        joins: Whether it needs a message on every input.
        reads_ahead: Whether a block that joins takes messages before it can use them.
        copies: Whether every target gets every message.
        takes_turns: Whether its targets get messages in turn, one after the other.
        stores: Whether every message goes out unchanged and in the same order.
        needs_taker: Whether something has to take the output.
        room: The maximum number of messages that it can hold, if it is certain to hand on each of them; else infinity.
        brings: The minimum number of messages of its own that it adds; 0 if that is not certain.
        reads: Whether it reads its messages from outside the network.
        total: The number of all messages that it reads or gets; None if unknown.
    """

    group: int = 1
    group_remedy: str = "let fewer messages make a group"
    group_is_timed: bool = False
    expands: bool = False
    joins: bool = False
    reads_ahead: bool = False
    copies: bool = False
    takes_turns: bool = False
    stores: bool = False
    needs_taker: bool = True
    room: float = math.inf
    brings: int = 0
    reads: bool = False
    total: int | None = None
