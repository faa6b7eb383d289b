"""The collector for Prometheus, with real scrapes."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
import trio
from prometheus_client import CollectorRegistry, Metric, generate_latest, start_http_server
from prometheus_client.parser import text_string_to_metric_families
from trio import testing

from penstock.blocks import Call, IterableSource, Network, Rate, Threads, Transformer
from penstock.blocks.base.timing import time_slice
from penstock.blocks.telemetry import PrometheusCollector
from penstock.blocks.telemetry.metrics import METRICS
from tests.blocks.tools import Fussy

LABELS = ("network", "block", "agent", "governor", "outcome", "reason", "waits_for")  # a page has another order
exposition: Any = import_module("prometheus_client.openmetrics.exposition")  # they have no types
parser: Any = import_module("prometheus_client.openmetrics.parser")
Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    registry, collector = CollectorRegistry(), PrometheusCollector()
    registry.register(collector)
    yield registry
    collector.close()


def samples_of(text: str) -> Samples:
    return {
        (sample.name, tuple(sample.labels[label] for label in LABELS if label in sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_server_scrapes_a_running_network_over_http(registry: CollectorRegistry) -> None:
    server, thread = start_http_server(0, "127.0.0.1", registry)
    assert isinstance(thread, Thread)

    def scrape() -> Samples:
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=60) as answer:
            return samples_of(answer.read().decode())

    async def main() -> tuple[Samples, Samples]:
        skips = Transformer[int, int](Fussy(1, 2), on_error="skip", executor=Threads(1), name="skips")
        skips.link_target(Call[int](abs, name="last"))
        async with Network(skips, name="small"):
            for item in range(5):
                await skips.send(item)
            during = await trio.to_thread.run_sync(scrape)
        return during, await trio.to_thread.run_sync(scrape)

    try:
        during, after = trio.run(main)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert during["penstock_block_received_total", ("small", "skips")] == 5
    assert during["penstock_network_running", ("small",)] == 1
    assert after["penstock_block_items_total", ("small", "skips", "dropped", "skipped")] == 2
    assert after["penstock_block_items_total", ("small", "last", "consumed", "")] == 3
    assert after["penstock_block_failed_total", ("small", "skips")] == 2
    assert after["penstock_block_busy_seconds_total", ("small", "skips")] > 0
    assert after["penstock_network_running", ("small",)] == 0
    assert after["penstock_network_ended_total", ("small", "done")] == 1
    assert ("penstock_block_queued", ("small", "skips")) not in after


def test_a_server_scrapes_the_waits_for_a_rate(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    assert isinstance(thread, Thread)

    async def main() -> None:
        paced = Call[int](abs, rate=Rate(2), name="paced")
        async with Network(paced, name="small"):
            for item in range(5):
                await paced.send(item)

    try:
        trio.run(main, clock=testing.MockClock(autojump_threshold=0))
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=60) as answer:
            samples = samples_of(answer.read().decode())
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert samples["penstock_block_wait_seconds_total", ("small", "paced", "rate")] == pytest.approx(2)
    assert samples["penstock_block_wait_seconds_total", ("small", "paced", "output")] == 0


async def test_a_task_of_the_loop_may_make_the_page_itself(registry: CollectorRegistry) -> None:
    source = IterableSource(range(10), name="source")
    source.link_target(Call[int](abs, name="last"))
    async with Network(source, name="small"):
        await testing.wait_all_tasks_blocked()
        samples = samples_of(generate_latest(registry).decode())
    assert samples["penstock_block_items_total", ("small", "source", "emitted", "")] == 10


async def test_the_other_text_format_is_correct_too(registry: CollectorRegistry) -> None:
    async with Network(call := Call[int](abs, name='a "b"\n\\c'), name="ünï"):
        await call.send(1)
        text = exposition.generate_latest(registry).decode()
    families: list[Metric] = list(parser.text_string_to_metric_families(text))
    assert len(families) == len(METRICS)
    labels = [sample.labels for family in families for sample in family.samples if family.name.endswith("_received")]
    assert {"network": "ünï", "block": 'a "b"\n\\c'} in labels


def test_a_registry_refuses_a_second_collector(registry: CollectorRegistry) -> None:
    second = PrometheusCollector()
    with pytest.raises(ValueError, match="penstock_block_received"):
        registry.register(second)
    second.close()


async def test_a_collector_that_is_closed_gives_no_numbers() -> None:
    collector = PrometheusCollector()
    collector.close()
    collector.close()
    async with Network(Call[int](abs), name="small"):
        pass
    assert [family for family in collector.collect() if family.samples] == []


def test_without_the_library_the_error_says_what_to_install() -> None:
    program = "import sys; sys.modules['prometheus_client'] = None; from penstock.blocks import *; "
    program += "from penstock.blocks.telemetry import PrometheusCollector"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "not installed: pip install 'penstock[prometheus]'" in done.stderr.splitlines()[-1]
