"""What the functions in worker processes log comes home, whatever becomes of the worker."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from penstock.blocks import Processes, Transformer, TransformMany, WorkerDied
from penstock.blocks.executors.fork_servers import fork_servers
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import contents, linked, run

NAME = functions.log.name


@pytest.fixture(autouse=True, params=["forked", "spawned"])
def _way(request: pytest.FixtureRequest) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """How the workers are started."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
        monkeypatch.setattr(fork_servers, "is_refused", request.param == "spawned")
        yield


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """It takes what is INFO or more of the logger of the functions."""
    caplog.set_level(logging.INFO, NAME)
    return caplog


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == NAME]


async def test_records_of_a_block_come_in_order_and_say_where_from(
    caplog: pytest.LogCaptureFixture, real_time: None
) -> None:
    executor = Processes(1, worker_init=functions.logging_init, name="pool")
    block = Transformer(functions.log_item, executor=executor, name="scale")
    results = linked(block)
    await run(block, range(1, 500))
    assert contents(results) == list(range(1, 500))
    assert said(caplog) == ["ready", *(f"item {n} of a thing" for n in range(1, 500))]
    records = [vars(record) for record in caplog.records if record.name == NAME]
    assert "penstock_block" not in records[0]
    assert {record.get("penstock_block") for record in records[1:]} == {"scale"}
    assert {(record["penstock_worker"], record["processName"]) for record in records} == {
        (0, "Processes 'pool' worker 1")
    }
    assert [record["tag"] for record in records[1:]] == list(range(1, 500))


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("policy", ["fail", "skip"])
async def test_a_record_is_handled_before_the_result_goes_on(
    concurrency: int, policy: Literal["fail", "skip"], caplog: pytest.LogCaptureFixture, real_time: None
) -> None:
    """Also if several workers log, and if the outputs leave in parts."""
    executor = Processes(2)
    early: list[int] = []

    def check(item: int) -> int:
        if f"item {item} of a thing" not in said(caplog):
            early.append(item)
        return item

    block: TransformMany[int, int] = TransformMany(
        functions.log_items, executor=executor, concurrency=concurrency, on_error=policy
    )
    after = Transformer(check)
    block.link_target(after)
    results = linked(after)
    await run(block, range(1, 300, 30))
    assert contents(results) == list(range(1, 301))
    assert early == []


def test_records_of_a_worker_that_dies_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    with Processes(1) as pool:
        assert isinstance(pool.submit(functions.log_item, 0).exception(SECONDS), WorkerDied)
        assert pool.submit(functions.log_item, 1).result(SECONDS) == 1
    assert said(caplog) == ["item 0 of a thing", "item 1 of a thing"]


def test_a_traceback_is_in_the_record(caplog: pytest.LogCaptureFixture) -> None:
    with Processes(1) as pool:
        pool.submit(functions.log_item, -1).result(SECONDS)
    assert said(caplog) == ["item -1 of a thing", "below zero"]
    assert "raise KeyError(item)" in (caplog.records[-1].exc_text or "")


def test_a_thread_that_a_function_has_left_behind_is_heard_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = functions.named_pipe(tmp_path)
    with Processes(1) as pool:
        pool.submit(functions.log_from_a_thread, "from a thread").result(SECONDS)
        pool.submit(functions.let_threads_log, 0).result(SECONDS)
        assert said(caplog) == ["from a thread"]
        pool.submit(functions.log_from_a_thread_after_this_job, str(path)).result(SECONDS)
        assert path.read_text() == "logged"
        assert said(caplog) == ["from a thread"]
    assert said(caplog) == ["from a thread", "after the job"]


def test_a_process_that_a_function_forks_does_not_disturb_the_pipe(caplog: pytest.LogCaptureFixture) -> None:
    with Processes(1) as pool:
        assert pool.submit(functions.log_in_a_child, "lost").result(SECONDS) == 7
        assert pool.submit(functions.log_item, 1).result(SECONDS) == 1
    assert said(caplog) == ["item 1 of a thing"]


def test_a_slow_handler_makes_the_worker_wait_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """More is logged in one call than the pipe holds, while the handler of the parent waits."""
    with Processes(1) as pool:
        pool.submit(functions.log_much, 2000).result(SECONDS)
    assert said(caplog) == [f"{n:0500d}" for n in range(2000)]
