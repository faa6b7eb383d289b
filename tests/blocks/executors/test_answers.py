"""The quick way for small results in a worker process, and each way to leave it.

Each story is told twice: once with a child in a process, and once with the child's loop in a thread of the test.
"""

import marshal
import mmap
import sys
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import attrs
import pytest

from penstock.blocks import WorkerDied
from penstock.blocks.executors import process_backend
from penstock.blocks.executors.journal import ANSWER, BEGUN, RESULT, SIZE, VERSION, Journal
from penstock.blocks.executors.process_backend import ProcessBackend
from penstock.blocks.executors.work import Outcome, Task
from penstock.blocks.executors.worker_options import WorkerOptions
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.in_thread import start_in_thread

WHO = "Processes 'pool'"
FAILURES = {
    "fail": ValueError,
    "stop": RuntimeError,
    "coroutine": TypeError,
    "lock": TypeError,
    "unmakeable": ValueError,
}
RESULTS: dict[Any, Any] = {"big": bytes(300_000), "text": "x" * 60_000}


@pytest.fixture(scope="module")
def lasting() -> Iterator[ProcessBackend]:
    """Has its child in a process."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
        backend = ProcessBackend(WorkerOptions(WHO))
        yield backend
        backend.close()


@pytest.fixture(params=["process", "thread"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessBackend]:
    """Has its child in a process, or in a thread."""
    if request.param == "process":
        yield request.getfixturevalue("lasting")
        return
    monkeypatch.setattr(process_backend, "start", start_in_thread)
    backend = ProcessBackend(WorkerOptions(WHO))
    yield backend
    backend.close()


def work(limit: float = 10.0, strict: bool = False) -> Task:
    return Task(functions.anything, False, strict, "call 'test'", limit=limit)


def check(outcome: Outcome, items: list[Any]) -> None:
    """Each item has the end that it names."""
    failed = {place: FAILURES[item] for place, item in enumerate(items) if item in FAILURES}
    assert {place: type(error) for place, error in outcome.failures} == failed
    assert outcome.results == [RESULTS.get(item, item) for item in items if item not in FAILURES]


@pytest.mark.parametrize("first", [*FAILURES, "big", "text", 1, 2**70, 1.5, None, True, (1, (2,))])
def test_whatever_leaves_the_quick_way_the_rest_ends_as_ever(backend: ProcessBackend, first: Any) -> None:
    items = [1, "one", (1, 2), first, (), *FAILURES, 2, "big", (3,), "fail", "big"]
    check(backend.perform(work(), items), items)


@pytest.mark.parametrize("items", list(permutations(["fail", "big", (7,), 7])))
def test_any_order_of_ends_gives_the_same(backend: ProcessBackend, items: tuple[Any, ...]) -> None:
    check(backend.perform(work(), list(items)), list(items))


def test_a_failure_in_a_strict_job_ends_it(backend: ProcessBackend) -> None:
    outcome = backend.perform(work(strict=True), [1, (2,), "fail", 3])
    check(outcome, [1, (2,), "fail"])


@pytest.mark.parametrize("plain", [True, False])
def test_a_full_journal_loses_nothing(backend: ProcessBackend, plain: bool) -> None:
    items = ["text"] * 40 + ([] if plain else [(1,)]) + [1, "fail", "text", "stop", 2]
    check(backend.perform(work(), items), items)


def test_more_than_the_journal_holds_is_pickled_too(backend: ProcessBackend) -> None:
    items = [[str(number) * 1000] for number in range(400)]
    assert backend.perform(work(), items).results == items


def test_after_the_time_of_a_job_no_item_is_begun(backend: ProcessBackend) -> None:
    assert backend.perform(work(limit=0.0), [1, 2]).results == [1]
    assert backend.perform(work(limit=0.0), [(1,), (2,)]).results == [(1,)]
    assert backend.perform(work(limit=0.0), ["fail", 2]).done == 1


def test_small_items_go_in_several_requests_if_they_are_many(backend: ProcessBackend) -> None:
    items = [[str(number) * 500] for number in range(1500)]
    assert backend.perform(work(), items).results == items


def test_items_that_cannot_be_sent_fail_alone_among_small_ones(backend: ProcessBackend) -> None:
    bad = functions.NotPickled(ValueError("no"))
    outcome = backend.perform(work(), [(1,), bad, (2,), bytes(100_000), (3,), (4,)])
    assert outcome.results == [(1,), (2,), bytes(100_000), (3,), (4,)]
    assert [place for place, _ in outcome.failures] == [1]


def test_items_are_not_one_object_there_because_they_are_one_here(backend: ProcessBackend) -> None:
    one: list[int] = []
    first, second = backend.perform(attrs.evolve(work(), function=functions.keep_growing), [one, one]).results
    assert (first, second) == ([0], [0])


@pytest.mark.parametrize(
    "before", [[1, "one"], [1, (1,)], [(1,), "big"], ["big", 1], ["fail", 1], [(1,), "fail", (1,)]]
)
def test_what_was_done_before_a_death_is_kept(
    backend: ProcessBackend, lasting: ProcessBackend, before: list[Any]
) -> None:
    if backend is not lasting:
        pytest.skip("a thread cannot die")
    outcome = backend.perform(work(), [*before, "die", 5])
    died = outcome.failures.pop()
    assert (died[0], type(died[1])) == (len(before), WorkerDied)
    check(outcome, before)


def test_a_journal_gives_answers_before_records_and_each_once() -> None:
    memory = mmap.mmap(-1, SIZE)
    writer, reader = Journal(memory), Journal(memory)
    writer.begin_answers()
    assert list(reader.read()) == []
    for number, answer in enumerate([5, b"five"], start=1):
        writer.numbers[BEGUN] = number
        write(writer, answer)
    place = memory.tell()
    assert list(reader.read()) == [(ANSWER, 5)]  # the second one may still be written
    memory.seek(place)
    writer.end_answers(2)
    writer.begin()
    assert writer.append(RESULT, b"six")
    assert [(kind, bytes(data)) for kind, data in reader.read()] == [(ANSWER, b"five"), (RESULT, b"six")]
    assert list(reader.read()) == []
    assert reader.count_begun() == 3


def write(journal: Journal, answer: Any) -> None:
    """Write an answer."""
    marshal.dump(answer, journal.memory, VERSION)
