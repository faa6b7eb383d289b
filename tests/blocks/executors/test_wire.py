"""The pipe to a worker process: what it says when the other side is gone."""

import threading
from multiprocessing import Pipe
from typing import Any

import pytest

from penstock.blocks.executors import wire
from penstock.blocks.executors.slots import BIG, Pool, Shared, Span
from penstock.blocks.executors.wire import READY, Lost, Wire


@pytest.fixture
def ends() -> tuple[Wire, Wire]:
    ours, theirs = Pipe()
    return Wire(ours, Shared()), Wire(theirs, Shared())


def test_messages_arrive_in_order(ends: tuple[Wire, Wire]) -> None:
    for number in range(3):
        ends[0].send(READY, number)
    assert [ends[1].receive() for _ in range(3)] == [(READY, number) for number in range(3)]


def test_an_arena_is_mapped_on_the_way_to_the_next_message(ends: tuple[Wire, Wire]) -> None:
    parent, child = ends
    pool = Pool(parent.shared, parent.announce)
    spans: list[Span] = []

    def send() -> None:
        spans.extend(pool.put([memoryview(bytes([number]) * BIG) for number in range(5)]) or ())
        parent.send(READY)

    sending = threading.Thread(target=send)  # a handle may be sent only once it is received
    sending.start()
    assert child.receive() == (READY,)
    sending.join()
    assert [child.shared.lend(*span)[-1] for span in spans] == list(range(5))


def test_nothing_can_be_sent_to_an_end_that_is_closed_nor_be_had_from_it(ends: tuple[Wire, Wire]) -> None:
    ends[1].close()
    with pytest.raises(Lost):
        ends[0].send(READY)
    with pytest.raises(Lost):
        ends[0].receive()
    with pytest.raises(Lost):
        ends[0].announce(0, BIG)


@pytest.mark.parametrize("error", [BrokenPipeError, RuntimeError])
def test_the_other_side_may_go_before_it_has_an_arena(
    ends: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(wire, "send_handle", fail)
    with pytest.raises(Lost):
        Pool(ends[0].shared, ends[0].announce).take(1)
