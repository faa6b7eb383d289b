"""The fixtures for pytest, used as a user uses them."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.blocks import Network, Retry, Transformer
from penstock.blocks.testing import Collector, ProbeSink, ProbeSource

pytest_plugins = ["penstock.blocks.pytest_plugin"]


async def test_the_probes_are_there(probe_source: ProbeSource[Any], probe_sink: ProbeSink[Any]) -> None:
    work = Transformer(str)
    probe_source.link_target(work)
    work.link_target(probe_sink)
    async with Network(work):
        await probe_source.expect_taken(1)
        await probe_sink.expect("1")


async def test_a_collector_is_there(collector: Collector[Any]) -> None:
    work = Transformer(str)
    work.link_target(collector)
    async with Network(work):
        await work.send(1)
    assert collector.items == ["1"]


@pytest.mark.parametrize("_", range(2))
@pytest.mark.usefixtures("same_random")
def test_random_numbers_are_the_same_each_time(_: int) -> None:
    first = random.Random(1).random()
    assert Retry(1, backoff=1, jitter=1).delay(1) == 1 - first


@pytest.mark.slow
def test_where_it_is_not_named_it_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("import sys\ndef test(): assert 'penstock.blocks' not in sys.modules")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_time_of_the_tests_is_that_of_trio() -> None:
    async def main() -> None:
        sink: ProbeSink[int] = ProbeSink("out", seconds=0.001)
        with pytest.raises(AssertionError, match=r"nothing came within 0\.001 s"):
            await sink.expect(1)

    trio.run(main)
