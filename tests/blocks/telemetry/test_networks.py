"""The numbers of all networks, read in any thread."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio import testing

from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Call,
    DeadLetter,
    IterableSource,
    Network,
    Rate,
    Retry,
    Threads,
    Throttle,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.telemetry import networks as module
from penstock.blocks.telemetry.metrics import (
    AGE,
    AGENT_WAITS,
    AT_ONCE,
    BUSY,
    CALLS,
    CPU,
    ENDED,
    FAILED,
    GATE_WAITS,
    HELD,
    IN_FLIGHT,
    IN_WORK,
    ITEMS,
    LIMIT,
    METRICS,
    QUEUED,
    RECEIVED,
    RETRIED,
    RUN_TIME,
    RUNNING,
    SENT,
    TAKEN,
    WAITS,
)
from penstock.blocks.telemetry.networks import Networks, Values
from tests.blocks.tools import Fussy, faults


@pytest.fixture
def networks() -> Iterator[Networks]:
    watched = Networks()
    yield watched
    watched.close()


def pipeline(**options: Any) -> Transformer[int, int]:
    first = Transformer[int, int](Fussy(), name="first", **options)
    first.link_target(Call[int](abs, name="last"))
    return first


async def run(first: Transformer[int, int], items: int = 3, name: str | None = "small") -> Network:
    async with Network(first, name=name) as network:
        for item in range(items):
            await first.send(item)
    return network


def test_they_are_the_numbers_of_the_statistics(networks: Networks) -> None:
    letters: UnboundedBuffer[object] = UnboundedBuffer(name="letters")
    tries = Transformer[int, int](Fussy(1, times=1), on_error=Retry(2, backoff=0), name="tries")
    skips = Transformer[int, int](Fussy(20), on_error="skip", name="skips", executor=Threads(1))
    dies = Call[int](Fussy(0), on_error=DeadLetter(letters), name="dies")
    tries.link_target(skips)
    skips.link_target(dies)
    network = trio.run(run, tries, 4)
    values, statistics = networks.read(), network.statistics()
    for block in statistics.blocks:
        where = ("small", block.name)
        assert values[RECEIVED, where] == block.received
        assert values[ITEMS, (*where, "emitted", "")] == block.emitted
        assert values[ITEMS, (*where, "consumed", "")] == block.consumed
        assert values[ITEMS, (*where, "dead_lettered", "")] == block.dead_lettered
        assert values[ITEMS, (*where, "discarded", "")] == block.discarded
        assert {key[1][3]: value for key, value in values.items() if key[1][:3] == (*where, "dropped")} == block.dropped
        assert values[WAITS, (*where, "input")] == pytest.approx(block.wait_for_input.total)
        assert values[WAITS, (*where, "output")] == pytest.approx(block.wait_for_output.total)
        if block.place:
            assert values[FAILED, where] == block.failed
            assert values[RETRIED, where] == block.retried
            assert values[CALLS, where] == block.service.count
            assert values[BUSY, where] == block.service.total
            assert values[CPU, where] == block.cpu
    assert (values[RETRIED, ("small", "tries")], values[FAILED, ("small", "dies")]) == (1, 1)
    assert (values[SENT, ("small", "body")], values[TAKEN, ("small", "body")]) == (4, 0)
    assert values[AGENT_WAITS, ("small", "body", "input")] == 0
    assert values[RUN_TIME, ("small",)] == statistics.seconds


async def test_waits_for_a_rate_and_for_a_key_are_counted_once_there_are_some(
    networks: Networks, autojump_clock: testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)

    async def sleep(_: int) -> None:
        await trio.sleep(3)

    throttle = Throttle[int](0.5, name="throttle")
    paced = Transformer[int, int](abs, rate=Rate(1, burst=2), name="paced")
    keyed = Call[int](sleep, key=lambda _: "one", concurrency=2, name="keyed")
    throttle.link_target(paced)
    paced.link_target(keyed)
    async with Network(throttle, name="small") as network:
        await throttle.send(0)
        assert {key[1][-1] for key in networks.read() if key[0] is WAITS} == {"input", "output"}
        for item in range(3):
            await throttle.send(item)
        await trio.sleep(1)
        assert networks.read()[WAITS, ("small", "throttle", "rate")] == pytest.approx(1)  # it waits now
    values, statistics = networks.read(), network.statistics()
    assert values[WAITS, ("small", "throttle", "rate")] == pytest.approx(6)
    assert values[WAITS, ("small", "keyed", "key")] == statistics["keyed"].wait_for_key.total > 0
    assert (WAITS, ("small", "paced", "rate")) not in values


async def test_gauges_are_those_of_networks_that_run(networks: Networks) -> None:
    async def wait(_: int) -> None:
        await trio.sleep_forever()

    call = Call[int](wait, name="call", concurrency=2)
    async with Network(call, name="small") as network:
        for item in range(5):
            await call.send(item)
        await testing.wait_all_tasks_blocked()
        where, values = ("small", "call"), networks.read()
        assert values[IN_WORK, where] == values[AT_ONCE, where] == 2
        assert values[QUEUED, where] == 3
        assert values[HELD, where] == 5
        assert (values[RUNNING, ("small",)], values[AGE, ("small",)]) == (1, 0)
        network.cancel()
    values = networks.read()
    assert values[ITEMS, (*where, "discarded", "")] == 5
    assert {metric for metric, _ in values if not metric.grows} == {RUNNING}
    assert values[RUNNING, ("small",)] == 0


async def test_governors_and_pools_have_numbers(networks: Networks) -> None:
    from penstock.agents import PipelineGovernor

    first = pipeline()
    PipelineGovernor(limit=2, name="few").govern(first, first)
    async with Network(first, name="small"):
        await first.send(1)
        values = networks.read()
        assert (values[IN_FLIGHT, ("small", "few")], values[LIMIT, ("small", "few")]) == (1, 2)
    assert networks.read()[GATE_WAITS, ("small", "few")] == 0


async def test_every_metric_can_have_a_value(networks: Networks) -> None:
    from penstock.agents import PipelineGovernor

    first = pipeline(on_error="skip")
    PipelineGovernor(limit=2, name="few").govern(first, first)
    await run(pipeline())
    async with Network(first, name="small"):
        assert {metric for metric, _ in networks.read()} == set(METRICS)


async def test_counters_go_on_over_epochs_whose_blocks_have_no_names(networks: Networks) -> None:
    for epoch in (1, 2, 3):
        source = IterableSource(range(6))
        first, second = Batch[int](3), Batch[list[int]](2)
        source.link_target(first)
        first.link_target(second)
        second.link_target(Call[Any](len, name="last"))
        async with Network(source):
            pass
        values = networks.read()
        assert values[RECEIVED, ("Network", "Batch-1")] == 6 * epoch
        assert values[RECEIVED, ("Network", "Batch-2")] == 2 * epoch
        assert values[ENDED, ("Network", "done")] == epoch
        assert len({labels for metric, labels in values if metric is RECEIVED}) == 4


async def test_networks_of_one_name_at_once_are_counted_together(networks: Networks) -> None:
    first, second = pipeline(), pipeline()
    async with Network(first, name="small"), Network(second, name="small"), Network(pipeline(), name="other"):
        await first.send(1)
        await second.send(2)
        values = networks.read()
        assert (values[RUNNING, ("small",)], values[RUNNING, ("other",)]) == (2, 1)
        assert values[RECEIVED, ("small", "first")] == 2
        assert values[RECEIVED, ("other", "first")] == 0
    assert networks.read()[RECEIVED, ("small", "first")] == 2


@pytest.mark.parametrize("how", ["done", "cancelled", "cancelled outside", "failed", "failed body"])
async def test_it_is_counted_how_a_network_ends(networks: Networks, how: str) -> None:
    call = Call[int](Fussy(1), name="call")
    with trio.CancelScope() as scope, faults(ValueError) if "failed" in how else trio.CancelScope():
        async with Network(call, name="small") as network:
            await call.send(1 if how == "failed" else 0)
            if how == "cancelled":
                network.cancel()
            elif how == "cancelled outside":
                scope.cancel()
                await trio.sleep_forever()
            elif how == "failed body":
                raise ValueError
    found = {labels[1]: value for (metric, labels), value in networks.read().items() if metric is ENDED}
    assert found == {how.partition(" ")[0]: 1}


async def test_a_network_that_another_one_stops_has_failed(networks: Networks) -> None:
    from penstock.blocks import Shutdown

    shutdown, call = Shutdown(), Call[int](Fussy(1), name="call")
    with pytest.raises(ExceptionGroup):
        async with Network(pipeline(), name="other", shutdown=shutdown), Network(call, shutdown=shutdown):
            await call.send(1)
    assert networks.read()[ENDED, ("other", "failed")] == 1


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("loops", [1, 3])
def test_a_reader_asks_the_loops_of_other_threads(networks: Networks, loops: int) -> None:
    sent, ended = threading.Barrier(loops + 1), threading.Event()

    async def main() -> None:
        first = pipeline()
        async with Network(first, name="small"):
            for item in range(10):
                await first.send(item)
            await trio.to_thread.run_sync(sent.wait)
            await trio.to_thread.run_sync(ended.wait)

    threads = [in_thread(lambda: trio.run(main)) for _ in range(loops)]
    sent.wait()
    assert networks.read()[RECEIVED, ("small", "first")] == 10 * loops
    ended.set()
    for thread in threads:
        thread.join()
    assert networks.read()[RECEIVED, ("small", "first")] == 10 * loops
    assert networks.read()[RUNNING, ("small",)] == 0


def test_while_a_loop_is_blocked_its_last_numbers_are_given_with_their_age() -> None:
    networks = Networks(patience=0.0)
    blocked, goes_on = threading.Event(), threading.Event()

    async def main() -> None:
        first = pipeline()
        async with Network(first, name="small"):
            await first.send(1)
            assert networks.read()[RECEIVED, ("small", "first")] == 1
            await first.send(2)
            blocked.set()
            goes_on.wait()

    thread = in_thread(lambda: trio.run(main))
    blocked.wait()
    values = networks.read()
    assert values[RECEIVED, ("small", "first")] == 1
    assert values[AGE, ("small",)] > 0
    goes_on.set()
    thread.join()
    assert networks.read()[RECEIVED, ("small", "first")] == 2
    networks.close()
    assert networks.read() == {}


def test_a_loop_that_is_blocked_from_the_start_has_no_numbers_yet() -> None:
    networks = Networks(patience=0.0)
    blocked, goes_on = threading.Event(), threading.Event()

    async def main() -> None:
        async with Network(pipeline(), name="small"):
            blocked.set()
            goes_on.wait()

    thread = in_thread(lambda: trio.run(main))
    blocked.wait()
    assert {metric for metric, _ in networks.read()} == {RUNNING, AGE}
    goes_on.set()
    thread.join()
    networks.close()


def test_a_network_whose_loop_has_crashed_blocks_no_reader(networks: Networks) -> None:
    async def main() -> None:
        networks.begins(Network(pipeline(), name="small")._run)  # and its end is never told

    in_thread(lambda: trio.run(main)).join()
    assert networks.read()[RUNNING, ("small",)] == 1


async def test_a_network_that_has_started_before_is_not_counted() -> None:
    async with Network(first := pipeline(), name="small"):
        networks = Networks()
        await first.send(1)
    assert networks.read() == {}
    networks.close()


async def test_only_the_names_that_ended_last_are_kept(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 2)
    for name in ("a", "b", "a", "c"):
        await run(pipeline(), name=name)
    assert {labels[0] for metric, labels in networks.read() if metric is RUNNING} == {"a", "c"}


def check_counters(before: Values, after: Values) -> None:
    for key, value in before.items():
        if key[0].grows:
            assert after[key] >= value, key


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.sampled_from(["done", "cancel", "fault"]))))
def test_counters_never_go_back(runs: list[tuple[str, int, str]]) -> None:
    networks = Networks()
    before: Values = {}

    def look() -> None:
        nonlocal before
        check_counters(before, before := networks.read())

    async def one(name: str, items: int, how: str) -> None:
        first = pipeline(on_error="fail" if how == "fault" else "skip")
        buffer = BoundedBuffer[int](2)
        buffer.link_target(first)
        with faults(TypeError) if how == "fault" else trio.CancelScope():
            async with Network(buffer, name=name) as network:
                for item in range(items):
                    await buffer.send(item)
                    look()
                if how == "cancel":
                    network.cancel()
                elif how == "fault":
                    raise TypeError
        look()

    async def main() -> None:
        for name, items, how in runs:
            await one(name, items, how)

    try:
        trio.run(main)
    finally:
        networks.close()
    assert sum(value for (metric, _), value in before.items() if metric is ENDED) == len(runs)
