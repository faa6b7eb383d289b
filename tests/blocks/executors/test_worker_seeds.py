"""The number and the seed of each worker of Threads and Processes."""

import sys
import threading
from typing import Any

import pytest

from penstock.blocks import Processes, Threads, WorkerDied, worker_number, worker_seed
from penstock.blocks.executors.seeds import Seeds
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.kinds import SECONDS, Gauge

Kind = type[Threads] | type[Processes]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])


@pytest.fixture(params=[Threads, pytest.param(Processes, marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


def ask(executor: Threads | Processes) -> tuple[int, int]:
    """The number and the seed of the worker that takes this."""
    return executor.submit(functions.number_and_seed).result(SECONDS)


def test_the_workers_have_numbers_from_zero_and_different_seeds() -> None:
    gauge = Gauge(is_open=False, function=lambda _: functions.number_and_seed())
    with Threads(3) as threads:
        futures = [threads.submit(gauge, n) for n in range(3)]
        assert gauge.wait(3)
        gauge.open()
        found = dict(future.result(SECONDS) for future in futures)
    assert sorted(found) == [0, 1, 2]
    assert len(set(found.values())) == 3


def test_a_stand_in_has_the_next_number() -> None:
    with Threads(1) as threads:
        assert threads.submit(lambda: ask(threads)[0]).result(SECONDS) == 1


def test_worker_init_may_use_them(kind: Kind) -> None:
    with kind(1, worker_init=functions.number_and_seed, seed=3) as executor:
        assert executor.submit(functions.state, 0).result(SECONDS) == ask(executor)


def test_the_seeds_follow_from_that_of_the_executor(kind: Kind) -> None:
    found: list[tuple[int, int]] = []
    for seed in (3, 3, 4):
        with kind(1, seed=seed) as executor:
            found.append(ask(executor))
            assert executor.seed == seed
    assert found[0] == found[1] != found[2]


def test_without_one_it_is_another_one_each_time_and_can_be_used_again(kind: Kind) -> None:
    first, second = kind(1), kind(1)
    assert first.seed != second.seed  # but for one case in four billion
    assert ask(first) == ask(kind(1, seed=first.seed)) != ask(second)


def test_workers_that_start_later_have_other_seeds_and_these_repeat() -> None:
    def thrice() -> list[tuple[int, int]]:
        threads = Threads(1, seed=5)
        found: list[tuple[int, int]] = []
        for _ in range(3):
            found.append(ask(threads))
            threads_end(threads)
        return found

    first = thrice()
    assert [number for number, _ in first] == [0, 0, 0]
    assert len(set(first)) == 3
    assert thrice() == first


def threads_end(threads: Threads) -> None:
    """Wait until the workers have ended that had the last future."""
    for thread in threading.enumerate():
        if thread.name.startswith(f"{threads.name} worker"):
            thread.join(SECONDS)


@pytest.mark.slow
def test_a_process_that_replaces_one_that_died_has_its_number_and_another_seed() -> None:
    with Processes(1) as executor:
        before = ask(executor)
        assert isinstance(executor.submit(functions.die, 3).exception(SECONDS), WorkerDied)
        after = ask(executor)
    assert before[0] == after[0] == 0
    assert before[1] != after[1]


@pytest.mark.parametrize("function", [worker_number, worker_seed])
def test_outside_a_worker_there_is_neither(function: Any) -> None:
    with pytest.raises(RuntimeError, match=rf"^{function.__name__}\(\) was called outside a worker: call it in"):
        function()


@pytest.mark.parametrize("seed", [1.5, "7", True])
def test_a_seed_is_a_whole_number(kind: Kind, seed: Any) -> None:
    with pytest.raises(TypeError, match=rf"{kind.__name__} 'pool': seed must be an int or None, got {seed!r}"):
        kind(1, seed=seed, name="pool")


def test_a_seed_suits_numpy_and_stays_the_same_in_all_versions() -> None:
    seeds = Seeds(7)
    found = [seeds.next(1), seeds.next(1), seeds.next(2)]
    assert found == [360318074, 2036224829, 1132394727]
    assert all(0 <= seed < 1 << 32 for seed in found)
