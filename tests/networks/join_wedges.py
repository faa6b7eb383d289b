"""Networks that get stuck at a join or a sequence multiplexer, alone or behind ways that split."""

from __future__ import annotations

from typing import Any

from penstock.agents import SequenceMultiplexer
from penstock.blocks import (
    Broadcast,
    Call,
    IterableSource,
    Join,
    UnboundedBuffer,
)
from tests.blocks.tools import Grouping, Ungrouping

from .wedge import Wedge, slowly


class JoinWedges(Wedge):
    """Each `build_` method builds one."""

    # Joins

    def build_starving_join(self) -> None:
        left, right = UnboundedBuffer[Any](name="culprit"), UnboundedBuffer[Any](name="empty")
        self.source.link_target(left)
        join = Join(left, right, name="join")
        self.drain(join)
        self.culprits = ["'culprit'", "'join'"]
        self.advised = "give every input of join 'join' as many messages"
        if self.followed.says(self.advised):
            IterableSource(range(self.count), name="more").link_target(right)

    def build_join_with_an_unfed_input(self) -> None:
        inputs = self.pick(2, 4)
        join = Join[Any](inputs=inputs, greedy=self.pick(0, 1) == 1, name="join")
        self.all_at_once().link_target(join.inputs[0])
        self.drain(join)
        self.culprits = ["'join'"]
        self.advised = "give every input of join 'join' as many messages"
        if self.followed.says(self.advised):
            for port in join.inputs[1:]:
                IterableSource(range(self.count)).link_target(port)

    def build_greedy_join_with_leftovers(self) -> None:
        short = self.count if self.followed.says("as many messages") else self.pick(0, self.count - 1)
        left, right = UnboundedBuffer[Any](name="left"), IterableSource(range(short), name="short")
        self.source.link_target(left)
        self.drain(Join(left, right, greedy=True, name="culprit"))
        self.culprits = ["'culprit'"]
        self.advised = "give every input of join 'culprit' as many messages"

    def build_body_that_is_to_feed_a_join(self) -> None:
        right = UnboundedBuffer[Any](name="right")
        join = Join[Any](self.all_at_once(), right, name="join")

        async def receive() -> None:
            if self.followed.says(self.advised):
                for number in range(self.count):
                    await right.send(number)
                    await join.receive()
                return
            await join.receive()

        self.body = receive
        self.culprits = ["waits to receive at join 'join'"]
        self.members = ["join 'join' input 1", "unbounded buffer 'right' waits for messages", "the body of network"]
        self.advised = "send to unbounded buffer 'right', or complete it"

    # Splits that meet again

    def build_bounded_rejoin(self) -> None:
        fork = Broadcast[Any](name="fork", capacity=self.pick(1, 3))
        size = self.pick(5, 7)
        narrow, batch = self.bounded("narrow"), Grouping(size, capacity=size, name="culprit")
        unpack = Ungrouping(name="unpack")
        self.source.link_target(fork)
        fork.link_target(narrow)
        self.stage(fork, "stage").link_target(batch)
        batch.link_target(unpack)
        self.drain(Join(narrow, unpack, name="join"))
        self.culprits = ["'culprit'", "'narrow'", "'fork'"]
        self.members = ["broadcast 'fork' waits for room", "bounded buffer 'narrow'", "batch 'culprit' waits for"]
        self.advised = "raise the capacity of bounded buffer 'narrow' to at least"

    def build_narrow_greedy_join(self) -> None:
        fork = Broadcast[Any](name="fork", capacity=1)
        batch = Grouping(self.pick(5, 7), name="culprit")
        unpack = Ungrouping(name="unpack")
        join = Join[Any](inputs=2, greedy=True, capacity=self.room("join"), name="join")
        self.source.link_target(fork)
        fork.link_target(join.inputs[0])
        fork.link_target(batch)
        batch.link_target(unpack)
        unpack.link_target(join.inputs[1])
        self.drain(join)
        self.culprits = ["'culprit'", "join 'join' input 0", "'fork'"]
        self.members = ["broadcast 'fork' waits for room in join 'join' input 0", "batch 'culprit' waits for"]
        self.advised = "raise the capacity of join 'join' input 0 to at least"

    def build_number_behind_a_full_branch(self) -> None:
        self.drain(self.source)
        count = self.pick(5, 9)
        feed, fork = IterableSource([*range(2, count + 1), 1], name="feed 2"), UnboundedBuffer[int](name="fork")
        left, right = self.bounded("left"), UnboundedBuffer[int](name="right")
        feed.link_target(fork)
        fork.link_target(left, lambda number: number > 1)
        fork.link_target(right, lambda number: number == 1)
        order = SequenceMultiplexer(left, right, key=lambda number: number, name="order")
        self.drain(order, "end")
        self.apart.append(feed)
        self.culprits = ["'order'", "it waits for number 1"]
        self.members = ["multiplexer 'order' waits for number 1, which unbounded buffer 'fork' holds"]
        self.advised = "raise the capacity of bounded buffer 'left' to at least"

    # Sequence numbers

    def build_missing_number(self) -> None:
        self.drain(self.source)
        gone = self.pick(1, 6)
        feed, fork = IterableSource(range(1, 13), name="feed 2"), UnboundedBuffer[int](name="fork")
        left, right = self.bounded("left"), self.bounded("right")
        feed.link_target(fork)
        fork.link_target(Call(slowly, name="lost"), lambda number: number == gone)
        fork.link_target(left, lambda number: number > gone)
        fork.link_target(right, lambda number: number < gone)
        order = SequenceMultiplexer(left, right, key=lambda number: number, name="order")
        self.advised = rf"call tombstone\({gone}\) of multiplexer 'order'"
        if self.followed.says(self.advised):
            order.tombstone(gone)
        self.drain(order, "end")
        self.apart.append(feed)
        self.culprits = ["'order'", f"it waits for number {gone}"]
