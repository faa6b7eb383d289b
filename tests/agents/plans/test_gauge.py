"""The instruments: how they look at the interpreter lock, at copies, and at the machine."""

import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from penstock.agents.plans.gauge import CopyCost, Gauge, typical
from penstock.agents.plans.lock_share import ENOUGH, INTERVAL, NAP, LockSampler, Looks, has_lock
from penstock.agents.plans.pipeline_profile import FREE
from tests.agents.pipelines.recipes import comes_true


def test_a_look_that_is_late_has_found_the_lock_held() -> None:
    looks = Looks()
    for late in [0.0, 0.00005, INTERVAL, INTERVAL] * 5:
        looks.add(NAP + late)
    held = 10 * (NAP + INTERVAL)
    assert looks.share == pytest.approx(held / (20 * NAP + 10 * INTERVAL + 5 * 0.00005))


def test_few_looks_say_nothing() -> None:
    looks = Looks()
    for _ in range(ENOUGH - 1):
        looks.add(NAP)
    assert looks.share is None
    looks.add(NAP)
    assert looks.share == 0.0


def test_it_looks_only_while_a_function_runs() -> None:
    now = 0.0
    naps = 0

    def sleep(seconds: float) -> None:
        nonlocal now, naps
        now += seconds + INTERVAL
        naps += 1

    before = sys.getswitchinterval()
    with LockSampler(sleep, lambda: now) as sampler:
        assert sys.getswitchinterval() == pytest.approx(INTERVAL)
        sampler.begin()
        comes_true(lambda: naps > 30)
        assert sampler.looks.count == 0
        sampler.is_inside = True
        comes_true(lambda: sampler.looks.count > ENOUGH)
    assert sampler.looks.share == 1.0
    assert sys.getswitchinterval() == before
    assert "penstock lock sampler" not in [thread.name for thread in threading.enumerate()]


def test_without_a_function_nothing_is_started() -> None:
    with LockSampler() as sampler:
        pass
    assert sampler.looks.share is None


def test_it_knows_whether_there_is_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Gauge().has_lock() == has_lock()
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert not has_lock()


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


@pytest.mark.slow
@pytest.mark.skipif(not has_lock(), reason="this Python has no interpreter lock")
def test_it_tells_functions_that_hold_the_lock_from_those_that_release_it() -> None:
    gauge = Gauge()
    shares: list[float | None] = []
    free = [gauge.free_cores()]
    for function in (spin, time.sleep):
        with LockSampler() as sampler:
            sampler.begin()
            sampler.is_inside = True
            function(0.1)
        shares.append(sampler.looks.share)
        free.append(gauge.free_cores())
    if min(free) < FREE:
        pytest.skip(f"the machine is busy: {min(free):.1f} of 2 cores were free")
    holds, releases = shares
    assert holds is not None
    assert releases is not None
    assert holds > 0.9
    assert releases < 0.1


class Unreadable:
    def __reduce__(self) -> Any:
        return int, ("x",)


def test_it_measures_a_copy() -> None:
    gauge = Gauge()
    array = gauge.copy(np.zeros(1000))
    assert array.size > 8000
    assert array.seconds is not None
    assert array.seconds > 0
    assert gauge.copy(lambda: 1) == CopyCost(0, None)
    assert gauge.copy(Unreadable()) == CopyCost(0, None)


def test_a_typical_copy_is_the_median_of_all() -> None:
    assert typical([]) == CopyCost(0, 0.0)
    assert typical([CopyCost(1, 0.1), CopyCost(9, 0.9), CopyCost(2, 0.2)]) == CopyCost(2, 0.2)
    assert typical([CopyCost(1, 0.1), CopyCost(0, None)]) == CopyCost(0.5, None)


def test_it_tells_the_time_and_how_free_the_machine_is() -> None:
    gauge = Gauge()
    assert 0 <= gauge.free_cores() <= 2
    start = (gauge.wall(), gauge.processor(), gauge.all_processors())
    spin(0.001)
    assert all(
        now > then for now, then in zip((gauge.wall(), gauge.processor(), gauge.all_processors()), start, strict=True)
    )
