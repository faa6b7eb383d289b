"""What a worker of `Processes` does with its child process: jobs, failures of single items, and deaths.

Most stories are told twice: once with a child in a process, and once with the child's loop in a thread of the test.
"""

import gc
import math
import multiprocessing
import operator
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import active_children
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.blocks import RemoteError, WorkerDied
from penstock.blocks.executors import process_backend, process_child
from penstock.blocks.executors.fork_servers import ForkServers
from penstock.blocks.executors.process_backend import ProcessBackend
from penstock.blocks.executors.process_child import Child, describe, start
from penstock.blocks.executors.slots import BIG, MOST_LENT, Pool
from penstock.blocks.executors.wire import Lost, Wire
from penstock.blocks.executors.work import Outcome, Task
from penstock.blocks.executors.worker import NotStarted
from penstock.blocks.executors.worker_options import WorkerOptions
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.in_thread import start_in_thread
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import notes

WHO = "Processes 'pool'"


@pytest.fixture(autouse=True, scope="module")
def _importable() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
        yield


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServers]:
    """The fork servers of the test alone, which ends them."""
    servers = ForkServers()
    monkeypatch.setattr(process_backend, "fork_servers", servers)
    monkeypatch.setattr(process_child, "fork_servers", servers)
    yield servers
    servers.end()


@pytest.fixture(params=["forked", "spawned"])
def way(request: pytest.FixtureRequest, servers: ForkServers) -> str:
    """How processes are started."""
    servers.is_refused = request.param == "spawned"
    way: str = request.param
    return way


@pytest.fixture
def real(way: str) -> Iterator[ProcessBackend]:
    """Has its child in a process."""
    del way
    backend = ProcessBackend(WorkerOptions(WHO))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def lasting() -> Iterator[ProcessBackend]:
    """Has its child in a process, which takes a while to start: many tests share it."""
    backend = ProcessBackend(WorkerOptions(WHO))
    yield backend
    backend.close()


@pytest.fixture(params=["process", "thread"])
def backend(request: pytest.FixtureRequest) -> ProcessBackend:
    """Has its child in a process, or in a thread."""
    name = {"process": "lasting", "thread": "threaded"}[request.param]
    backend: ProcessBackend = request.getfixturevalue(name)
    return backend


@pytest.fixture
def threaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessBackend]:
    """Has its child in a thread."""
    monkeypatch.setattr(process_backend, "start", start_in_thread)
    backend = ProcessBackend(WorkerOptions(WHO))
    yield backend
    backend.close()
    functions.KEPT.clear()


def task(function: Callable[[Any], Any], *, strict: bool = True, expands: bool = False) -> Task:
    return Task(function, expands, strict, "call 'test'")


def floats(count: int = BIG, value: float = 1.0) -> Any:
    return np.full(count, value)


def only_failure(outcome: Outcome) -> BaseException:
    ((place, error),) = outcome.failures
    assert place == len(outcome.results)
    return error


# Jobs


def test_it_calls_the_function_with_each_item_in_order(backend: ProcessBackend) -> None:
    backend.open()
    outcome = backend.perform(task(math.sqrt), [1, 4, 9])
    assert (outcome.results, outcome.failures) == ([1, 2, 3], [])
    assert outcome.seconds > 0
    assert outcome.cpu > 0


def test_it_need_not_be_opened_first_and_takes_any_sequence(backend: ProcessBackend) -> None:
    assert backend.perform(task(abs), range(-3, 0)).results == [3, 2, 1]
    assert backend.perform(task(abs), ()).results == []


def test_items_and_results_may_be_anything_that_can_be_pickled(backend: ProcessBackend) -> None:
    items = [1, "text", None, b"x", (1, [2]), {3: 4}, floats(3), floats(), bytes(BIG), "x" * BIG, math.inf]
    results = backend.perform(task(type), items).results
    assert results == [type(item) for item in items]


def test_outputs_are_read_to_their_end_where_the_function_runs(backend: ProcessBackend) -> None:
    assert backend.perform(task(functions.up_to, expands=True), [2, 0, 3]).results == [[0, 1], [], [0, 1, 2]]


def test_long_jobs_of_plain_items_and_of_others(backend: ProcessBackend) -> None:
    numbers = list(range(3000))
    assert backend.perform(task(abs), numbers).results == numbers
    assert backend.perform(task(len), [(number,) * 3 for number in numbers]).results == [3] * 3000


def test_more_than_one_request_takes_goes_in_several(backend: ProcessBackend) -> None:
    texts = ["x" * 60_000 for _ in range(50)]
    assert backend.perform(task(len), texts).results == [60_000] * 50
    lists = [["x" * 60_000] for _ in range(50)]
    assert backend.perform(task(len), lists).results == [1] * 50
    many = backend.perform(task(len), [floats(1 << 20) for _ in range(20)])  # 8 MiB each
    assert many.results == [1 << 20] * 20


def test_more_results_than_the_journal_holds_come_all_the_same(backend: ProcessBackend) -> None:
    results = backend.perform(task(functions.text), [60_000] * 40 + [1, 2]).results
    assert [len(text) for text in results] == [60_000] * 40 + [1, 2]


def test_functions_are_sent_once_and_the_oldest_is_forgotten(backend: ProcessBackend) -> None:
    powers = [partial(pow, number) for number in range(20)]
    for _ in range(2):
        for number, power in enumerate(powers):
            assert backend.perform(task(power), [2]).results == [number**2]
            assert backend.perform(task(power), [3]).results == [number**3]


def test_worker_init_runs_first_and_its_result_is_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = ProcessBackend(WorkerOptions(WHO, functions.model))
    assert backend.perform(task(functions.state), [0]).results == ["model"]
    backend.close()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot do it")
def test_it_can_be_pinned() -> None:
    cpus = sorted(os.sched_getaffinity(0))
    backend = ProcessBackend(WorkerOptions(WHO, cpus=cpus), len(cpus) + 1)
    assert backend.perform(task(functions.affinity), [0]).results == [{cpus[0]}]
    backend.close()


# Arrays


def test_arrays_go_there_and_come_back(backend: ProcessBackend) -> None:
    for _ in range(5):
        (result,) = backend.perform(task(functions.double_in_place), [floats()]).results
        assert result.flags.writeable
        assert np.array_equal(result, floats(value=2))
        del result


def test_the_array_of_the_sender_stays_as_it_is(backend: ProcessBackend) -> None:
    array = floats()
    backend.perform(task(functions.double_in_place), [array])
    assert np.array_equal(array, floats())


def test_a_view_of_the_argument_can_be_returned(backend: ProcessBackend) -> None:
    array = np.arange(4 * BIG)
    (result,) = backend.perform(task(functions.view), [array]).results
    assert np.array_equal(result, array[2::2])
    (first, second), (last, _) = backend.perform(task(functions.halves), [array, array]).results
    assert np.array_equal(np.concatenate([first, second]), array)
    assert np.array_equal(first, last)


def test_arrays_that_the_function_keeps_never_change(backend: ProcessBackend) -> None:
    keep = task(functions.keep)
    for number in range(2 * MOST_LENT):
        (begins,) = backend.perform(keep, [floats(value=number)]).results
        assert begins == list(range(number + 1))
    assert backend.perform(task(functions.forget), [0]).results == [0]
    assert backend.perform(keep, [floats(value=7)] * 3).results == [[7], [7, 7], [7, 7, 7]]


def test_results_that_are_kept_never_change(backend: ProcessBackend) -> None:
    kept: list[Any] = []
    for number in range(MOST_LENT):
        kept += backend.perform(task(functions.double_in_place), [floats(value=number)] * 2).results
    assert [array[0] for array in kept] == [2 * number for number in range(MOST_LENT) for _ in range(2)]
    assert all((array == array[0]).all() for array in kept)
    backend.close()
    assert all((array == array[0]).all() for array in kept)


def test_big_bytes_and_texts_come_back(backend: ProcessBackend) -> None:
    assert backend.perform(task(functions.zeros), [BIG, 3, 5 * BIG]).results == [bytes(BIG), bytes(3), bytes(5 * BIG)]
    assert backend.perform(task(functions.text), [BIG, 3]).results == ["x" * BIG, "x" * 3]
    assert backend.perform(task(bytes.upper), [b"x" * BIG]).results == [b"X" * BIG]


def test_without_shared_memory_everything_goes_through_the_pipe(
    threaded: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(self: Pool, count: int) -> None:
        del self, count

    monkeypatch.setattr(Pool, "take", none)
    (result,) = threaded.perform(task(functions.double_in_place), [floats()]).results
    assert np.array_equal(result, floats(value=2))


def test_if_memory_ends_in_the_middle_of_an_item_nothing_is_lost(
    threaded: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    threaded.perform(task(functions.double_in_place), [floats()])
    take, answers = Pool.take, iter([True, False, True, False, True, False, False])

    def sometimes(self: Pool, count: int) -> Any:
        return take(self, count) if next(answers, False) else None

    monkeypatch.setattr(Pool, "take", sometimes)
    for _ in range(2):
        (result,) = threaded.perform(task(functions.halves_of_both), [[floats(4 * BIG), floats(4 * BIG)]]).results
        assert np.array_equal(np.concatenate(result), floats(8 * BIG))


# Too little memory


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessBackend]:
    """Has a child that may have hardly more memory than it has."""
    if sys.platform != "linux":
        pytest.skip("looks into /proc")
    backend = ProcessBackend(WorkerOptions(WHO, functions.little_memory))
    yield backend
    backend.close()


HUGE = 1 << 28


def test_an_item_that_the_child_cannot_map_fails_alone(short: ProcessBackend) -> None:
    for _ in range(2):
        outcome = short.perform(task(len, strict=False), [floats(), bytes(HUGE), floats(), b"x"])
        assert outcome.results == [BIG, BIG, 1]
        ((place, error),) = outcome.failures
        assert (place, type(error)) == (1, MemoryError)
        assert "could not be mapped" in str(error)
        assert "a worker process of call 'test' is short of memory" in notes(error)


def test_a_result_that_the_child_cannot_map_fails_alone(short: ProcessBackend) -> None:
    for _ in range(2):
        outcome = short.perform(task(functions.zeros, strict=False), [BIG, 3 * HUGE // 4, BIG, 1, 3 * HUGE // 4, 2])
        assert [len(result) for result in outcome.results] == [BIG, BIG, 1, 2]
        assert [(place, type(error)) for place, error in outcome.failures] == [(1, MemoryError), (4, MemoryError)]


class NoMemoryToSend:
    """A pipe for which messages can be too big."""

    def __init__(self, wire: Wire, most: int) -> None:
        self.wire = wire
        self.most = most

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wire, name)

    def send(self, *message: Any) -> None:
        if len(pickle.dumps(message)) > self.most:
            raise MemoryError
        self.wire.send(*message)


def test_an_item_that_there_is_no_memory_to_send_fails_alone(
    threaded: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    threaded.open()
    child = threaded._child
    assert child is not None
    monkeypatch.setattr(Pool, "take", lambda self, count: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    child.wire = NoMemoryToSend(child.wire, 2 << 20)  # type: ignore[assignment]  # stands for one
    big = "x" * (3 << 20)
    outcome = threaded.perform(task(len, strict=False), [(1,), [big], (1, 2), [big], [big], ()])
    assert outcome.results == [1, 2, 0]
    assert [(place, type(error)) for place, error in outcome.failures] == [(n, MemoryError) for n in (1, 3, 4)]
    assert "there is no memory to send the item to a worker of call 'test'" in notes(outcome.failures[0][1])
    child.wire.most = 10  # type: ignore[attr-defined]
    with pytest.raises(MemoryError):
        threaded.perform(task(len), ["text"])


def test_an_item_that_there_is_no_memory_to_pack_fails_alone(backend: ProcessBackend) -> None:
    outcome = backend.perform(task(len, strict=False), [(1,), functions.NotPickled(MemoryError()), ()])
    assert outcome.results == [1, 0]
    assert "there is no memory to send the item" in notes(outcome.failures[0][1])[0]


# Failures of items


@pytest.mark.parametrize("strict", [True, False])
def test_an_exception_comes_out_with_its_type_and_where_it_was(backend: ProcessBackend, strict: bool) -> None:
    outcome = backend.perform(task(math.sqrt, strict=strict), [4, -1, "x", 9])
    assert outcome.results == ([2] if strict else [2, 3])
    kinds = {place: type(error) for place, error in outcome.failures}
    assert kinds == ({1: ValueError} if strict else {1: ValueError, 2: TypeError})
    assert "Traceback" in notes(outcome.failures[0][1])[0]


def test_an_exception_that_cannot_be_made_again_has_a_stand_in(backend: ProcessBackend) -> None:
    error = only_failure(backend.perform(task(functions.fussy), [5]))
    assert type(error) is RemoteError
    assert "Fussy: 5 because of this" in str(error)


@pytest.mark.parametrize("strict", [True, False])
def test_an_exception_that_is_not_for_everybody_ends_the_job(backend: ProcessBackend, strict: bool) -> None:
    outcome = backend.perform(task(functions.leave, strict=strict), [3, 4])
    error = only_failure(outcome)
    assert isinstance(error, SystemExit)
    assert error.code == 3
    assert backend.perform(task(abs), [-1]).results == [1]


def test_stop_iteration_and_coroutines_are_errors(backend: ProcessBackend) -> None:
    error = only_failure(backend.perform(task(functions.stop), [1]))
    assert isinstance(error, RuntimeError)
    assert str(error) == "the function of call 'test' raised StopIteration"
    outcome = backend.perform(task(functions.coroutine, strict=False), [1, -2, 3])
    assert outcome.results == [1, 3]
    assert "returned a coroutine" in str(outcome.failures[0][1])
    outcome = backend.perform(task(functions.coroutine, expands=True), [-2])
    assert "returned a coroutine" in str(only_failure(outcome))


@pytest.mark.parametrize("strict", [True, False])
def test_an_item_that_cannot_be_pickled_fails_alone(backend: ProcessBackend, strict: bool) -> None:
    error = ValueError("no")
    outcome = backend.perform(task(type, strict=strict), [floats(), functions.NotPickled(error), floats(), 1])
    assert outcome.results == [np.ndarray] + ([] if strict else [np.ndarray, int])
    assert outcome.failures == [(1, error)]
    assert (
        "the item could not be pickled, which Processes needs to send it to a worker of call 'test'" in notes(error)[0]
    )


@pytest.mark.parametrize("function", [type, functions.unmakeable])
def test_a_failure_on_this_side_does_not_hold_what_the_worker_had(
    threaded: ProcessBackend, function: Callable[[Any], Any]
) -> None:
    item = functions.NotPickled(ValueError("no")) if function is type else 1
    error = only_failure(threaded.perform(task(function), [item]))
    trace = error.__traceback__
    assert trace is not None
    assert trace.tb_frame.f_code.co_filename == functions.__file__


@pytest.mark.parametrize("strict", [True, False])
def test_the_first_item_can_be_the_one_that_cannot_be_pickled(backend: ProcessBackend, strict: bool) -> None:
    outcome = backend.perform(task(type, strict=strict), [threading.Lock(), threading.Lock(), 1])
    assert [place for place, _ in outcome.failures] == ([0] if strict else [0, 1])
    assert outcome.results == ([] if strict else [int])


def test_an_item_behind_a_failure_is_not_even_looked_at(backend: ProcessBackend) -> None:
    outcome = backend.perform(task(math.sqrt), [-1, threading.Lock(), 4])
    assert isinstance(only_failure(outcome), ValueError)


@pytest.mark.parametrize("strict", [True, False])
def test_an_item_that_cannot_be_made_again_fails_alone(backend: ProcessBackend, strict: bool) -> None:
    outcome = backend.perform(task(type, strict=strict), [(1,), [floats(), functions.Unmakeable()], (1,)])
    assert outcome.results == [tuple] * (1 if strict else 2)
    ((place, error),) = outcome.failures
    assert (place, str(error)) == (1, "not here")
    assert "the item was sent to a worker of call 'test', but could not be made again" in "".join(notes(error))


@pytest.mark.parametrize("strict", [True, False])
def test_a_result_that_cannot_be_pickled_fails_alone(backend: ProcessBackend, strict: bool) -> None:
    outcome = backend.perform(task(functions.lock, strict=strict), [1, 2])
    assert [place for place, _ in outcome.failures] == ([0] if strict else [0, 1])
    error = outcome.failures[0][1]
    assert isinstance(error, TypeError)
    assert "the result of the function of call 'test' could not be pickled" in "".join(notes(error))


def test_a_result_that_cannot_be_made_again_fails_alone(backend: ProcessBackend) -> None:
    error = only_failure(backend.perform(task(functions.unmakeable), [1]))
    assert str(error) == "not here"
    assert "could not be made again from its pickle" in "".join(notes(error))


def test_nothing_of_an_item_that_has_failed_is_left_in_shared_memory(threaded: ProcessBackend) -> None:
    for _ in range(2 * MOST_LENT):
        outcome = threaded.perform(task(math.sqrt, strict=False), [[floats()], floats()])
        assert outcome.done == 2
    child = threaded._child
    assert child is not None
    assert len(child.wire.shared.arenas) <= 3


def test_slots_of_items_that_were_not_begun_come_back(threaded: ProcessBackend) -> None:
    for _ in range(MOST_LENT):
        assert threaded.perform(task(math.sqrt), [floats()] * 4).done == 1
    child = threaded._child
    assert child is not None
    assert len(child.wire.shared.arenas) <= 4


def test_what_is_no_exception_while_pickling_comes_out_and_the_child_is_replaced(backend: ProcessBackend) -> None:
    backend.open()
    before = backend._child
    with pytest.raises(KeyboardInterrupt):
        backend.perform(task(type), [floats(), functions.NotPickled(KeyboardInterrupt())])
    assert backend.perform(task(abs), [-1]).results == [1]
    assert backend._child is not before


def test_a_function_that_cannot_be_pickled_is_an_error_of_the_job(backend: ProcessBackend) -> None:
    with pytest.raises(TypeError, match=r"call 'test': .*cannot be pickled"):
        backend.perform(task(threading.Lock().acquire), [1])


def test_a_function_that_the_child_cannot_load_is_an_error_of_the_job(backend: ProcessBackend) -> None:
    with pytest.raises(ValueError, match="not here") as caught:
        backend.perform(task(partial(operator.is_, functions.Unmakeable())), [1])
    assert "could not load the function of call 'test'" in "".join(notes(caught.value))
    assert backend.perform(task(abs), [-1]).results == [1]


# Deaths


@pytest.mark.parametrize("strict", [True, False])
def test_a_child_that_dies_takes_one_item_with_it(real: ProcessBackend, strict: bool) -> None:
    outcome = real.perform(task(functions.die_by_signal, strict=strict), [1, 2, -3, 4])
    assert outcome.results == [1, 2]
    assert outcome.done == 3
    error = only_failure(outcome)
    assert isinstance(error, WorkerDied)
    assert "call 'test': worker process" in str(error)
    assert "(killed by SIGKILL) while it had this item" in str(error)
    assert real.perform(task(functions.die_by_signal), [4]).results == [4]


def test_results_in_shared_memory_survive_the_child(real: ProcessBackend) -> None:
    for _ in range(3):
        outcome = real.perform(task(functions.die_at_zero), [floats(value=1), floats(value=2), floats(value=0)])
        assert [array[-1] for array in outcome.results] == [1, 2]
        assert "(exit code 3)" in str(only_failure(outcome))


def test_a_failure_before_the_death_is_not_lost(real: ProcessBackend) -> None:
    outcome = real.perform(task(functions.die_by_signal, strict=False), [1, "x", -1, 1])
    assert outcome.results == [1]
    assert [type(error) for _, error in outcome.failures] == [TypeError, WorkerDied]


def test_results_that_went_through_the_pipe_are_not_lost(real: ProcessBackend) -> None:
    outcome = real.perform(task(partial(functions.die_by_signal_after, 60_000)), [*range(1, 40), -1])
    assert [len(text) for text in outcome.results] == [60_000] * 39
    assert isinstance(only_failure(outcome), WorkerDied)


def test_the_death_of_an_idle_child_costs_nothing(real: ProcessBackend) -> None:
    (pid,) = real.perform(task(functions.process_number), [0]).results
    for function, items in ((abs, [-1]), (len, [floats()])):
        child = real._child
        assert child is not None
        child.kill()
        outcome = real.perform(task(function), items)
        assert (outcome.done, outcome.failures) == (1, [])
    assert real.perform(task(functions.process_number), [0]).results != [pid]


class MortalChild:
    """Has its children die at chosen moments of their talk with the parent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *deaths: str | None) -> None:
        self.deaths = iter(deaths)
        self.started = 0
        monkeypatch.setattr(process_backend, "start", self.start)

    def start(self, *args: Any) -> Child:
        self.started += 1
        child = start_in_thread(*args)
        wire: Any = MortalWire(child.wire, next(self.deaths, None))
        child.wire = wire
        return child


class MortalWire:
    """Is lost when a message of some kind should go out or has come."""

    def __init__(self, wire: Wire, moment: str | None) -> None:
        self.wire = wire
        self.moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wire, name)

    def send(self, kind: str, *rest: Any) -> None:
        if kind == self.moment:
            raise Lost
        self.wire.send(kind, *rest)

    def receive(self) -> tuple[Any, ...]:
        message = self.wire.receive()
        if message[0] == self.moment:
            raise Lost
        return message


def test_a_child_that_dies_while_memory_is_added_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch)
    backend = ProcessBackend(WorkerOptions(WHO))
    backend.open()
    child = backend._child
    assert child is not None

    def lose(*_: Any) -> None:
        raise Lost

    monkeypatch.setattr(child.pool, "_announce", lose)
    assert backend.perform(task(len), [floats()]).results == [BIG]
    assert children.started == 2
    backend.close()


def test_a_child_that_dies_without_an_item_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch, "work")
    backend = ProcessBackend(WorkerOptions(WHO))
    assert backend.perform(task(abs), [-1]).results == [1]
    assert children.started == 2
    backend.close()


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch, "function", "work")
    backend = ProcessBackend(WorkerOptions(WHO))
    with pytest.raises(WorkerDied, match=r"Processes 'pool': 2 worker processes in a row died without an item"):
        backend.perform(task(abs), [-1])
    assert children.started == 2
    assert backend.perform(task(abs), [-1]).results == [1]
    backend.close()


LISTS = [["x" * 60_000] for _ in range(30)]
"""More than one request takes; the first one takes 18."""


def test_what_was_done_before_a_death_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch, "done", "done", "function")
    backend = ProcessBackend(WorkerOptions(WHO))
    assert backend.perform(task(len), LISTS).results == [1] * 30
    assert children.started == 2
    backend.close()


def test_what_was_done_before_many_deaths_is_kept_and_the_rest_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch, "done", "work", "function")
    backend = ProcessBackend(WorkerOptions(WHO))
    outcome = backend.perform(task(len), LISTS)
    assert (outcome.results, outcome.failures) == ([1] * 18, [])
    assert children.started == 3
    assert backend.perform(task(len), LISTS).results == [1] * 30
    backend.close()


def test_if_no_other_child_can_be_started_what_is_done_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Child:
        raise OSError("no processes left")

    MortalChild(monkeypatch, "done")
    backend = ProcessBackend(WorkerOptions(WHO))
    backend.open()
    monkeypatch.setattr(process_backend, "start", fail)
    outcome = backend.perform(task(len), LISTS)
    assert (outcome.results, outcome.failures) == ([1] * 18, [])
    with pytest.raises(NotStarted, match="no processes left"):
        backend.perform(task(len), LISTS)
    backend.close()


def test_after_a_failure_in_a_strict_job_a_death_begins_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch, "done")
    backend = ProcessBackend(WorkerOptions(WHO))
    outcome = backend.perform(task(math.sqrt), [1, -1, 4])
    assert outcome.results == [1]
    assert isinstance(only_failure(outcome), ValueError)
    assert children.started == 1


def test_killed_it_ends_what_runs_and_starts_nothing_else(real: ProcessBackend, tmp_path: Path) -> None:
    path = tmp_path / "begun"
    os.mkfifo(path)

    def kill() -> None:
        with path.open() as file:
            assert file.read(5) == "begun"
        real.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    outcome = real.perform(task(functions.begin_and_wait, strict=False), [str(path), str(path)])
    killer.join(SECONDS)
    assert isinstance(only_failure(outcome), WorkerDied)
    assert real.perform(task(abs), [1]).done == 0
    real.close()
    real.kill()


@pytest.mark.usefixtures("way")
def test_while_it_starts_or_before_it_can_be_told_to_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = ProcessBackend(WorkerOptions(WHO, functions.never_ready))
    starter = threading.Thread(target=backend.start_no_more)
    started = 0

    def start_and_stop(*args: Any) -> Child:
        nonlocal started
        started += 1
        child = start(*args)
        starter.start()
        return child

    monkeypatch.setattr(process_backend, "start", start_and_stop)
    with pytest.raises(NotStarted, match=r"was killed by SIGKILL before it was ready"):
        backend.open()
    starter.join(SECONDS)
    assert started == 1
    assert backend.perform(task(abs), [1]).done == 0


def test_a_child_that_is_ready_goes_on_but_no_other_one_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    children = MortalChild(monkeypatch, "work")
    backend = ProcessBackend(WorkerOptions(WHO))

    class Stop:
        """Stops the network while it is packed."""

        def __reduce__(self) -> Any:
            assert not backend.start_no_more()
            return int, ()

    backend.open()
    assert backend.perform(task(abs), [Stop()]).done == 0
    assert children.started == 1
    assert backend.perform(task(abs), [-1]).results == [1]
    backend.close()


@pytest.mark.usefixtures("way")
def test_killed_while_it_starts_it_does_not_get_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = ProcessBackend(WorkerOptions(WHO))

    def start_and_kill(*args: Any) -> Child:
        child = start(*args)
        backend.kill()
        return child

    monkeypatch.setattr(process_backend, "start", start_and_kill)
    with pytest.raises(NotStarted, match=r"was killed by SIGKILL before it was ready"):
        backend.open()


# Starting and ending


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_what_worker_init_raises_comes_out(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    if mode == "thread":
        monkeypatch.setattr(process_backend, "start", start_in_thread)
    backend = ProcessBackend(WorkerOptions(WHO, functions.broken_init))
    for _ in range(2):
        with pytest.raises(KeyError, match="model") as caught:
            backend.open()
        assert "in worker_init of Processes 'pool', in a worker process" in notes(caught.value)
    with pytest.raises(KeyError):
        backend.perform(task(abs), [1])
    backend.close()


@pytest.mark.usefixtures("way")
def test_a_child_that_dies_before_it_is_ready_is_an_error() -> None:
    backend = ProcessBackend(WorkerOptions(WHO, functions.deadly_init))
    for _ in range(2):
        with pytest.raises(WorkerDied, match=r"ended before it was ready \(exit code 7\).*__main__"):
            backend.perform(task(abs), [1])
    backend.close()


class KilledAtFirst:
    """Has some children killed while they start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.left = times
        self.started = 0
        monkeypatch.setattr(process_backend, "start", self.start)

    def start(self, *args: Any) -> Child:
        self.started += 1
        child = start(*args)
        self.left -= 1
        if self.left >= 0:
            child.kill()
        return child


@pytest.mark.usefixtures("way")
def test_a_child_that_is_killed_while_it_starts_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    children = KilledAtFirst(monkeypatch, 1)
    backend = ProcessBackend(WorkerOptions(WHO))
    assert backend.perform(task(abs), [-1]).results == [1]
    assert children.started == 2
    backend.close()


@pytest.mark.usefixtures("way")
def test_but_not_for_ever_and_that_is_not_blamed_on_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    children = KilledAtFirst(monkeypatch, 2)
    backend = ProcessBackend(WorkerOptions(WHO))
    with pytest.raises(NotStarted) as caught:
        backend.open()
    assert isinstance(caught.value.reason, WorkerDied)
    assert "was killed by SIGKILL before it was ready; the system does this when memory runs out" in str(caught.value)
    assert "__main__" not in str(caught.value)
    assert children.started == 2
    backend.open()
    backend.close()


@pytest.mark.usefixtures("way")
def test_a_child_that_cannot_be_spoken_to_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Pool, size: int) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(Pool, "add_arena", fail)
    before = set(active_children())
    with pytest.raises(NotStarted, match="no memory"):
        ProcessBackend(WorkerOptions(WHO)).open()
    assert set(active_children()) == before


def test_closing_waits_for_the_end_of_the_child(real: ProcessBackend) -> None:
    before = set(active_children())
    real.close()
    real.open()
    assert len(set(active_children()) - before) == 1
    real.close()
    real.close()
    assert set(active_children()) == before


def test_a_child_that_does_not_end_is_killed(real: ProcessBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    real.open()
    child = real._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)

    def wait_a_moment(objects: Any, seconds: float) -> Any:
        assert seconds == process_child.GRACE
        return wait(objects, 0.01)

    monkeypatch.setattr(process_child, "wait", wait_a_moment)
    real.close()
    assert child.reap() == "killed by SIGKILL"
    child.kill()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("worker_init", "seconds", "how"),
    [(None, SECONDS, "killed by SIGTERM"), (functions.ignore_sigterm, 0.0, "killed by SIGKILL")],
)
def test_when_the_interpreter_exits_processes_are_ended_soon(
    worker_init: Any, seconds: float, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends = [ProcessBackend(WorkerOptions(WHO, worker_init)), ProcessBackend(WorkerOptions(WHO))]
    for backend in backends:
        backend.open()
    children = [backend._child for backend in backends if backend._child is not None]
    ended = children[1].reap()
    monkeypatch.setattr(process_child, "_living", children)
    monkeypatch.setattr(process_child, "_exiting", exiting := threading.Event())
    monkeypatch.setattr(process_child, "GRACE", seconds)
    process_child.end_all()
    monkeypatch.undo()
    assert exiting.is_set()
    assert [child.reap() for child in children] == [how, ended]


def test_if_somebody_else_has_waited_for_the_child_nobody_knows_how_it_ended(servers: ForkServers) -> None:
    servers.is_refused = True
    real = ProcessBackend(WorkerOptions(WHO))
    real.open()
    child = real._child
    assert child is not None
    child.kill()
    os.waitpid(child.pid, 0)
    assert child.reap() == "exit code unknown"


@pytest.mark.parametrize(
    ("code", "text"),
    [(None, "exit code unknown"), (3, "exit code 3"), (-9, "killed by SIGKILL"), (-250, "killed by signal 250")],
)
def test_how_a_process_has_ended_is_told_in_words(code: int | None, text: str) -> None:
    assert describe(code) == text


def test_a_daemon_of_multiprocessing_cannot_have_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Daemon:
        daemon = True

    monkeypatch.setattr(multiprocessing, "current_process", Daemon)
    with pytest.raises(RuntimeError, match="Processes 'pool': this process is a daemon of multiprocessing"):
        ProcessBackend(WorkerOptions(WHO)).open()


def test_when_the_interpreter_exits_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    exiting = threading.Event()
    exiting.set()
    monkeypatch.setattr(process_child, "_exiting", exiting)
    with pytest.raises(RuntimeError, match="Processes 'pool': the interpreter is about to exit"):
        ProcessBackend(WorkerOptions(WHO)).open()


@pytest.mark.usefixtures("way")
def test_if_the_process_cannot_be_started_nothing_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise OSError("no processes left")

    gc.collect()
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", fail)
    with pytest.raises(NotStarted, match="no processes left"):
        ProcessBackend(WorkerOptions(WHO)).open()
    assert before == (len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0)


def test_what_worker_init_is_made_of_must_be_picklable() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        ProcessBackend(WorkerOptions(WHO, threading.Lock().acquire))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_left_behind(real: ProcessBackend) -> None:
    gc.collect()  # what other tests have left to it
    before = len(os.listdir("/proc/self/fd"))
    for number in range(50):
        real.perform(task(functions.double_in_place), [floats(BIG + 1000 * number)] * (1 + number % 3))
    outcome = real.perform(task(functions.die), [(3,)])
    assert isinstance(only_failure(outcome), TypeError)
    outcome = real.perform(task(functions.die), [np.int64(3)])
    assert isinstance(only_failure(outcome), WorkerDied)
    real.perform(task(functions.double_in_place), [floats()])
    real.close()
    assert len(os.listdir("/proc/self/fd")) == before
