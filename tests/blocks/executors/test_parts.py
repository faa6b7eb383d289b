"""Outputs that leave a worker process before their item has ended; the process is a thread of the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from penstock.blocks.executors import process_backend, process_worker
from penstock.blocks.executors.process_backend import ProcessBackend
from penstock.blocks.executors.stream import Piece, Stream
from penstock.blocks.executors.work import Outcome, Task
from penstock.blocks.executors.worker_options import WorkerOptions
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.in_thread import start_in_thread
from tests.blocks.tools import notes

SOON, NEVER = 0.0, 1e9


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessBackend]:
    """Sends a part when there are enough outputs, and not because time has passed."""
    monkeypatch.setattr(process_backend, "start", start_in_thread)
    monkeypatch.setattr(process_worker, "CHUNK_SECONDS", NEVER)
    backend = ProcessBackend(WorkerOptions("Processes 'pool'"))
    yield backend
    backend.close()


class Taker:
    """Takes chunks as they come, and wants more at once, or nothing more after some of them."""

    def __init__(self, room: int, most: int = 1000) -> None:
        self.stream = Stream(self._take, room)
        self.chunks: list[list[Piece]] = []
        self._most = most

    def _take(self) -> None:
        self.chunks += self.stream.chunks
        self.stream.chunks.clear()
        if len(self.chunks) < self._most:
            self.stream.grant(self.stream.room)
        else:
            self.stream.stop()


def perform(backend: ProcessBackend, function: Callable[[Any], Any], items: list[Any], taker: Taker) -> Outcome:
    return backend.perform(Task(function, True, True, "block 'test'"), items, taker.stream)


def test_full_parts_come_first_and_what_is_left_of_an_item_with_the_part_behind_it(backend: ProcessBackend) -> None:
    taker = Taker(room=2)
    outcome = perform(backend, functions.up_to, [5, 0, 3], taker)
    assert taker.chunks == [[(0, [0, 1])], [(0, [2, 3])], [(0, [4]), (2, [0, 1])]]
    assert (outcome.results, outcome.failures) == ([[], [], [2]], [])


def test_the_last_part_may_take_all_that_was_left(backend: ProcessBackend) -> None:
    taker = Taker(room=2)
    outcome = perform(backend, functions.up_to, [4], taker)
    assert taker.chunks == [[(0, [0, 1])], [(0, [2, 3])]]
    assert outcome.results == [[]]


def test_outputs_of_items_that_have_ended_leave_when_it_is_time(
    backend: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_worker, "CHUNK_SECONDS", SOON)
    taker = Taker(room=100)
    outcome = perform(backend, list, [(1, 2), (), (3,)], taker)
    assert taker.chunks == [[(0, [1, 2])], [(2, [3])]]
    assert outcome.results == [[], [], []]


def test_big_outputs_ask_for_memory_while_a_part_is_on_its_way(backend: ProcessBackend) -> None:
    taker = Taker(room=2)
    outcome = perform(backend, functions.big_parts, [5], taker)
    parts = [part for chunk in taker.chunks for _, outputs in chunk for part in outputs] + outcome.results[0]
    assert [(part[0], len(part)) for part in parts] == [(n, 300_000) for n in range(5)]
    assert len(taker.chunks) == 2


@pytest.mark.parametrize("items", [[5], [5, 5]])
def test_when_nobody_wants_more_the_generator_ends_and_no_other_begins(
    backend: ProcessBackend, items: list[int]
) -> None:
    taker = Taker(room=1, most=2)
    outcome = perform(backend, functions.up_to, items, taker)
    assert taker.chunks == [[(0, [0])], [(0, [1])]]
    assert (outcome.done, outcome.failures) == (1, [])


def test_a_part_that_cannot_be_packed_is_a_failure_of_its_item(backend: ProcessBackend) -> None:
    taker = Taker(room=1)
    outcome = perform(backend, functions.gives_a_lock, [2, 2], taker)
    ((place, error),) = outcome.failures
    assert (place, taker.chunks) == (0, [])
    assert "the result of the function of block 'test' could not be pickled" in "".join(notes(error))


def test_a_part_that_cannot_be_made_again_is_a_failure_of_its_item(backend: ProcessBackend) -> None:
    taker = Taker(room=1)
    outcome = perform(backend, functions.gives_what_cannot_be_loaded, [2, 2], taker)
    ((place, error),) = outcome.failures
    assert (place, taker.chunks) == (0, [])
    assert "could not be made again from its pickle" in "".join(notes(error))


def test_a_function_that_fails_late_has_given_what_it_gave(backend: ProcessBackend) -> None:
    taker = Taker(room=2)
    outcome = perform(backend, functions.fails_late, [8, 8], taker)
    ((place, error),) = outcome.failures
    assert (place, str(error)) == (0, "enough")
    assert taker.chunks == [[(0, [0, 1])], [(0, [2, 3])]]
    assert "could not be pickled" not in "".join(notes(error))


def test_nothing_is_handed_on_that_comes_behind_a_part_that_was_lost(backend: ProcessBackend) -> None:
    taker = Taker(room=1)
    outcome = perform(backend, functions.gives_one_that_cannot_be_loaded, [5], taker)
    assert taker.chunks == [[(0, [0])], [(0, [1])]]
    assert [place for place, _ in outcome.failures] == [0]
