"""What networks of any shape tell about themselves is true: their statistics, and their recordings."""

from __future__ import annotations

import re

from hypothesis import given, settings

from penstock.blocks import Activity, AgentStatistics, Block, BlockStatistics, Network, Recording, Times
from penstock.blocks.functions.function_block import FunctionCore
from tests.networks.harness import SCHEDULES, Schedule
from tests.networks.plans import Plan, Run
from tests.networks.strategies import plans

ORIGIN = re.compile(r"\[*\(*<(\d+)\|")
"""How the label of an item begins, or that of a list or tuple of items."""


def observe(plan: Plan, schedule: Schedule) -> Run:
    """Run a plan, recorded, and check what was told of it."""
    run = Run(plan, schedule, recording=Recording())
    run.go()
    run.check()
    check_statistics(run.network)
    assert run.recording is not None
    check_recording(run.recording, run.network)
    return run


def check_statistics(network: Network) -> None:
    """The numbers fit each other, and the accounts."""
    statistics = network.statistics()
    assert not statistics.is_running
    for block, numbers in zip(network.blocks, statistics.blocks, strict=True):
        check_block(block, numbers)
    for task in (*statistics.agents, statistics.body):
        check_task(task, statistics.seconds)
    for gate in statistics.governors:
        is_pool = gate.name == "buffers"  # a buffer comes back when its item is let go, perhaps after the run
        is_over = gate.in_flight == 0 or is_pool or any(block._core.held() for block in network.blocks)
        assert is_over
        assert gate.in_flight <= gate.most_in_flight
        check_times(gate.waits)


def check_block(block: Block, numbers: BlockStatistics) -> None:
    accounts = block._core.accounts()
    assert numbers.emitted == accounts.delivered + accounts.received
    assert numbers.queued <= numbers.most_queued
    for times in (numbers.service, numbers.wait_for_input, numbers.wait_for_output):
        check_times(times)
    if isinstance(block._core, FunctionCore):
        assert numbers.in_work == 0
        decided = numbers.failed + numbers.retried + numbers.consumed * (block.kind != "transformer")
        assert numbers.service.count >= decided
        assert numbers.failed >= numbers.dead_lettered + numbers.dropped.get("skipped", 0)


def check_task(numbers: AgentStatistics, seconds: float) -> None:
    for times in (numbers.wait_for_input, numbers.wait_for_output):
        check_times(times)
    assert numbers.wait_for_input.total + numbers.wait_for_output.total <= numbers.seconds + 1e-9
    assert numbers.seconds <= seconds + 1e-9


def check_times(times: Times) -> None:
    assert times.least <= times.p50 <= times.p90 <= times.p99 <= times.most
    assert times.count * times.least - 1e-9 <= times.total <= times.count * times.most + 1e-9


def check_recording(recording: Recording, network: Network) -> None:
    """Each call is there, and an item has the same number wherever it goes."""
    assert recording.dropped == 0
    merges = any(numbers.kind in ("batch", "join") for numbers in network.statistics().blocks)
    origins: dict[int, str] = {}
    calls: dict[str, int] = {}
    for span in recording.spans:
        assert 0 <= span.start <= span.end <= recording.seconds + 1e-9
        if span.activity is not Activity.WORK:
            continue
        calls[span.stage] = calls.get(span.stage, 0) + 1
        assert span.item > 0
        origin = ORIGIN.match(span.label)
        if origin is not None and not merges:  # what was merged has the number of its first part for ever
            assert origins.setdefault(span.item, origin[1]) == origin[1], f"{span}: {origins[span.item]}"
    for numbers in network.statistics().blocks:
        if numbers.place:
            assert calls.get(numbers.name, 0) >= numbers.service.count


@given(plans(trouble="handled"), SCHEDULES)
def test_of_a_healthy_network(plan: Plan, schedule: Schedule) -> None:
    observe(plan, schedule)


@given(plans(trouble="faults", incidents=True), SCHEDULES)
def test_of_one_that_is_stopped(plan: Plan, schedule: Schedule) -> None:
    observe(plan, schedule)


@given(plans(trouble="handled", threads=True), SCHEDULES)
@settings(max_examples=30)
def test_of_one_with_threads(plan: Plan, schedule: Schedule) -> None:
    observe(plan, schedule)
