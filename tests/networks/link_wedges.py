"""Networks that get stuck because nothing takes a message: filters, missing links, full buffers, circles of links."""

from __future__ import annotations

import itertools
from typing import Any

import trio

from penstock.blocks import (
    Broadcast,
    Call,
    DeadLetter,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)

from .wedge import Wedge, never, slowly


class LinkWedges(Wedge):
    """Each `build_` method builds one."""

    # Nothing takes the message

    def build_filter_without_taker(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.stage(self.source, "stage").link_target(culprit)
        culprit.link_target(Call(slowly, name="taker"), filter=never)
        self.culprits = ["'culprit'", "a filter on the way to call 'taker' declines the head"]
        self.last_link(culprit)

    def build_target_without_taste(self) -> None:
        culprit = Transformer(slowly, name="culprit")
        self.source.link_target(culprit)
        culprit.link_target(Call(slowly, filter=never, name="taker"))
        self.culprits = ["'culprit'", "a filter on the way to call 'taker' declines the head"]
        self.last_link(culprit)

    def build_filters_with_a_gap(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.source.link_target(culprit)
        numbers, gap = itertools.count(), self.pick(0, self.count - 1)
        kept: dict[int, int] = {}  # by identity: the filter is asked more than once
        for index in range(2):

            def accepts(item: Any, index: int = index) -> bool:
                if item.origin not in kept:
                    kept[item.origin] = next(numbers)
                place = kept[item.origin]
                return place != gap and place % 2 == index

            culprit.link_target(Call(slowly, name=f"taker {index}"), accepts)
        self.culprits = ["'culprit'", "declines the head"]
        self.last_link(culprit)

    def build_missing_consumer(self) -> None:
        culprit = Transformer(slowly, name="culprit")
        self.source.link_target(culprit)
        self.culprits = ["'culprit'", "nothing is linked to it"]
        self.advised = "link a target to transformer 'culprit'"
        if self.followed.says(self.advised):
            self.drain(culprit)

    def build_full_buffer(self) -> None:
        culprit = self.bounded("culprit")
        self.stage(self.all_at_once(), "stage").link_target(culprit)
        self.culprits = ["'culprit'", "it is full"]
        self.advised = "receive from bounded buffer 'culprit' in the body, or raise its capacity to at least"

    def build_broadcast_with_a_full_target(self) -> None:
        fork, culprit = Broadcast[Any](capacity=2, name="fork"), self.bounded("culprit")
        self.all_at_once().link_target(fork)
        fork.link_target(culprit)
        self.drain(fork)
        self.culprits = ["'fork'", "'culprit'", "it is full"]
        self.advised = "'culprit' in the body, or raise its capacity to at least"

    def build_full_dead_letter_target(self) -> None:
        def fail(item: object) -> object:
            raise ValueError(item)

        box = self.bounded("box")
        culprit: Transformer[Any, Any] = Transformer(fail, on_error=DeadLetter(box), name="culprit")
        self.source.link_target(culprit)
        self.drain(culprit)
        self.culprits = ["'culprit'", "'box'", "it is full"]
        self.advised = "receive from bounded buffer 'box' in the body, or raise its capacity to at least"

    # Circles of links

    def build_loop_that_grows(self) -> None:
        culprit = TransformMany[Any, Any](lambda item: [item, item], capacity=self.pick(1, 4), name="culprit")
        self.source.link_target(culprit)
        culprit.link_target(culprit)
        self.culprits = ["'culprit'", "it is full"]
        self.members = ["transform-many 'culprit' waits for room in transform-many 'culprit'"]
        self.advised = "let no more come out of transform-many 'culprit' than goes in"
        self.cure = False

    def build_loop_that_is_full(self) -> None:
        seen: set[int] = set()
        entry, back = self.bounded("entry"), self.bounded("back")

        async def turn(number: int) -> int:
            seen.add(number)
            await trio.sleep(5)
            return number

        middle: Transformer[int, int] = Transformer(turn, capacity=self.room("turn", 1, 1), window=1, name="turn")
        entry.link_target(middle)
        middle.link_target(Call(slowly, name="done"), lambda _: len(seen) == 15)
        middle.link_target(back)
        back.link_target(entry)
        self.drain(self.source)
        self.apart.append(entry)

        async def send() -> None:
            for number in range(15):
                await entry.send(number)
            await trio.sleep(5000)  # what goes round comes from nobody outside: with the body, the circle would end

        self.body = send
        self.culprits = ["'turn'", "'back'", "'entry'"]
        self.members = ["transformer 'turn'", "bounded buffer 'back'", "bounded buffer 'entry'"]
        self.advised = "raise the capacity of"
