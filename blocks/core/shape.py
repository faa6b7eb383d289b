"""What a block says of itself to those who look at a network: the checks before a start, the verdict, the reports.

They ask for no class. So a block of a user's own that says what it does gets the same advice as one of the library.
"""

from __future__ import annotations

import math

import attrs


@attrs.frozen(kw_only=True)
class Shape:
    """What becomes of messages in a block of some kind.

    Attributes:
        group: So many messages make one that goes out, >= 1.
        group_remedy: What to do about a group that cannot get full, for people.
        group_is_timed: Whether a group goes out after a while although it is not full.
        expands: Whether more messages may come out than go in.
        joins: Whether it needs a message on every input.
        reads_ahead: Whether it takes what comes in before it can use it; of blocks that join.
        copies: Whether every target gets every message.
        stores: Whether every message goes out as it came in, and in the same order.
        needs_taker: Whether somebody has to take what comes out.
        room: How many messages it can hold at the most, if it is sure to hand each of them on; else infinity.
        brings: How many messages it brings of its own at least, if that is for sure; 0 if not.
        reads: Whether it reads its messages from somewhere outside the network.
        total: How many it reads in all; None if it does not know.
    """

    group: int = 1
    group_remedy: str = "let fewer messages make a group"
    group_is_timed: bool = False
    expands: bool = False
    joins: bool = False
    reads_ahead: bool = False
    copies: bool = False
    stores: bool = False
    needs_taker: bool = True
    room: float = math.inf
    brings: int = 0
    reads: bool = False
    total: int | None = None
