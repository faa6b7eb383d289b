"""Spans and metrics of networks, with the SDK of OpenTelemetry."""

import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any

import attrs
import pytest
import trio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import StatusCode, Tracer, get_current_span
from trio import testing

from penstock.agents import Agent
from penstock.blocks import (
    Activity,
    Batch,
    Broadcast,
    Call,
    Filter,
    Flatten,
    IterableSource,
    Join,
    Network,
    Processes,
    Rate,
    Recording,
    Regroup,
    Retry,
    Source,
    Target,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.recording.tracer import within
from penstock.blocks.telemetry import OpenTelemetry, span_tracer
from penstock.blocks.telemetry.metrics import METRICS
from tests.blocks.tools import Fussy, faults


@attrs.frozen
class Traces:
    """A provider, and the spans that it has exported."""

    exporter: InMemorySpanExporter
    provider: TracerProvider

    @classmethod
    def of(cls, sampler: Sampler) -> "Traces":
        exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=sampler)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return cls(exporter, provider)

    @property
    def tracer(self) -> Tracer:
        return self.provider.get_tracer("program")

    def span(self, name: str) -> AbstractContextManager[Any]:
        return self.tracer.start_as_current_span(name)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def pairs(self) -> Counter[tuple[str | None, str]]:
        """The names of the spans, each after the name of its parent."""
        names = {span.context.span_id: span.name for span in self.spans if span.context}
        return Counter((names[span.parent.span_id] if span.parent else None, span.name) for span in self.spans)


@pytest.fixture
def traces() -> Iterator[Traces]:
    made = Traces.of(ParentBased(ALWAYS_ON))
    telemetry = OpenTelemetry(tracer_provider=made.provider, metrics=False)
    yield made
    telemetry.close()


def same(item: Any) -> Any:
    return item


async def same_later(item: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return item


def twice(item: Any) -> Iterator[Any]:
    yield item
    yield item


async def twice_later(item: Any) -> AsyncIterator[Any]:
    yield item
    yield item


async def two_later(item: Any) -> list[Any]:
    return [item, item]


class Picture:
    """An item with an identity."""


def item_of(attributes: dict[str, Any]) -> int:
    return int(attributes["penstock.item"])


def chain(first: Any, *others: Any) -> Any:
    source: Any = first
    for block in (*others, Call[Any](same, name="end")):
        source.link_target(block)
        source = block
    return first


EXECUTORS: dict[str, Callable[[], Executor | None]] = {
    "inline": lambda: None,
    "threads": lambda: Threads(2),
    "pool": lambda: ThreadPoolExecutor(2),
    "processes": lambda: Processes(1),
}
WAYS = [*EXECUTORS, "async", "async, two at once"]


def stage(way: str, name: str, function: Callable[[Any], Any] = same, **options: Any) -> Transformer[Any, Any]:
    if way.startswith("async"):

        async def later(item: Any) -> Any:
            await trio.lowlevel.checkpoint()
            return function(item)

        return Transformer(later, concurrency=1 + ("two" in way), name=name, **options)
    return Transformer(function, executor=EXECUTORS[way](), name=name, **options)


@pytest.mark.parametrize("way", WAYS)
def test_each_stage_has_a_span_in_the_trace_of_the_sender(traces: Traces, way: str) -> None:
    async def main() -> None:
        first = chain(stage(way, "first"), stage(way, "second"))
        async with Network(first, name="net"):
            for item in range(4):
                with traces.span("request"):
                    await first.send(item)

    trio.run(main)
    assert traces.pairs() == {
        (None, "request"): 4,
        ("request", "first"): 4,
        ("request", "second"): 4,
        ("request", "end"): 4,
    }
    for span in traces.spans:
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time
    attributes = min((dict(span.attributes or {}) for span in traces.named("first")), key=item_of)
    worker = attributes.pop("penstock.worker", None)
    assert (worker is not None) == (way == "async, two at once")
    assert attributes == {"penstock.network": "net", "penstock.block": "first", "penstock.item": 1}


@pytest.mark.parametrize("way", ["threads", "async"])
def test_no_span_ends_before_it_starts_if_the_wall_clock_is_set_back(
    traces: Traces, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = count(2_000_000_000, -1)
    monkeypatch.setattr(span_tracer, "time_ns", lambda: next(seconds) * 1_000_000_000)

    async def main() -> None:
        first = chain(stage(way, "first"))
        async with Network(first):
            for item in range(4):
                await first.send(item)

    trio.run(main)
    spans = [*traces.named("first")]
    assert len(spans) == 4
    assert all((span.start_time or 0) <= (span.end_time or 0) for span in spans)


async def test_items_without_a_sender_with_a_span_are_each_a_trace(traces: Traces) -> None:
    first = chain(stage("inline", "first"))
    async with Network(first):
        for item in range(3):
            await first.send(item)
    assert traces.pairs() == {(None, "Network"): 3, ("Network", "first"): 3, ("Network", "end"): 3}
    assert len({span.context.trace_id for span in traces.spans if span.context}) == 3


@pytest.mark.parametrize("inside", [False, True])
async def test_items_of_a_source_begin_with_its_span(traces: Traces, inside: bool) -> None:
    source = IterableSource(range(3), name="source")
    chain(source)
    with traces.span("program") if inside else nullcontext():
        async with Network(source):
            pass
    if inside:
        assert traces.pairs() == {(None, "program"): 1, ("program", "source"): 3, ("program", "end"): 3}
    else:
        assert traces.pairs() == {(None, "source"): 3, ("source", "end"): 3}


async def test_the_span_in_which_a_network_was_entered_is_the_parent_if_the_sender_has_none(traces: Traces) -> None:
    first = chain(stage("async", "first"))
    with traces.span("program"):
        async with Network(first):
            await first.send(1)
    assert traces.pairs() == {(None, "program"): 1, ("program", "first"): 1, ("program", "end"): 1}


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("way", ["inline", "threads", "async"])
def test_tasks_beside_the_network_are_senders_too(traces: Traces, way: str, context: bool) -> None:
    async def main() -> None:
        first = stage(way, "first", context=context)
        first.link_target(Call(same, context=context, name="end"))

        async def request(name: str) -> None:
            with traces.span(name):
                await first.send(name)

        async with Network(first), trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(request, name)

    trio.run(main)
    expected = {pair for name in "abc" for pair in ((None, name), (name, "first"), (name, "end"))}
    assert set(traces.pairs()) == expected


def test_a_thread_is_a_sender_with_its_own_span_if_the_block_takes_contexts(traces: Traces) -> None:
    async def main() -> None:
        first = chain(stage("inline", "first", context=True), stage("threads", "second"))
        async with Network(first):
            with first.producer() as producer:

                def request() -> None:
                    with traces.span("request"):
                        producer.send_from_thread("item")

                await trio.to_thread.run_sync(request)

    trio.run(main)
    assert traces.pairs() == {
        (None, "request"): 1,
        ("request", "first"): 1,
        ("request", "second"): 1,
        ("request", "end"): 1,
    }


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("kind", ["inline", "async"])
async def test_the_span_is_the_current_one_in_the_function(traces: Traces, kind: str, context: bool) -> None:
    def work(item: Any) -> Any:
        with traces.span("inner"):
            return item

    first = chain(stage(kind, "first", work, context=context))
    async with Network(first):
        with traces.span("request"):
            await first.send(1)
        await first.send(2)
    pairs = traces.pairs()
    assert (pairs["first", "inner"], pairs["request", "first"], pairs["request", "end"]) == (2, 1, 1)


async def test_what_a_function_sends_belongs_to_its_item(traces: Traces) -> None:
    other = Call[int](same, name="other")

    async def send_on(item: int) -> int:
        await other.send(item)
        return item

    first = Transformer(send_on, name="first")
    chain(first)
    async with Network(first, other):
        with traces.span("request"):
            await first.send(1)
        await testing.wait_all_tasks_blocked()
    assert traces.pairs()["first", "other"] == 1


@pytest.mark.parametrize("way", WAYS)
def test_an_error_is_in_the_span(traces: Traces, way: str) -> None:
    first = chain(stage(way, "first", Fussy(1), on_error="skip"))
    trio.run(send_all, first, [0, 1, 2])
    failed = [span for span in traces.named("first") if span.status.status_code is StatusCode.ERROR]
    (span,) = failed
    (event,) = span.events
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "ValueError"
    assert (span.status.description, len(traces.named("first")), len(traces.named("end"))) == ("ValueError", 3, 2)


async def send_all(first: Any, items: Iterable[Any]) -> None:
    async with Network(first):
        for item in items:
            await first.send(item)


@attrs.frozen
class Listed:
    """A function that gives one output."""

    function: Callable[[Any], Any]

    def __call__(self, item: Any) -> list[Any]:
        return [self.function(item)]


@pytest.mark.parametrize("way", ["inline", "threads", "async", "many", "many in threads"])
def test_each_try_has_a_span(traces: Traces, way: str) -> None:
    function, on_error = Fussy(1, times=2), Retry(3, backoff=0)
    if way.startswith("many"):
        executor = Threads(1) if "threads" in way else None
        first = chain(TransformMany[Any, Any](Listed(function), executor=executor, name="first", on_error=on_error))
    else:
        first = chain(stage(way, "first", function, on_error=on_error))
    trio.run(send_all, first, [0, 1])
    tries = [dict(span.attributes or {}).get("penstock.retry") for span in traces.named("first")]
    assert Counter(tries) == {None: 2, 1: 1, 2: 1}
    assert [dict(span.attributes or {}).get("penstock.retry") for span in traces.named("end")] == [None, None]
    assert len({span.context.trace_id for span in traces.spans if span.context}) == 2


async def test_a_fault_is_in_the_span(traces: Traces) -> None:
    first = chain(stage("inline", "first", Fussy(1)))
    with faults(ValueError):
        await send_all(first, [1])
    (span,) = traces.named("first")
    assert span.status.status_code is StatusCode.ERROR


async def test_a_cancelled_call_is_no_error(traces: Traces) -> None:
    async def wait(_: int) -> None:
        await trio.sleep_forever()

    call = Call[int](wait, name="call")
    async with Network(call) as network:
        await call.send(1)
        await testing.wait_all_tasks_blocked()
        network.cancel()
    (span,) = traces.named("call")
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {})["penstock.cancelled"] is True


@pytest.mark.parametrize("function", [twice, twice_later, two_later])
@pytest.mark.parametrize("way", ["inline", "threads"])
@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_all_outputs_of_an_item_are_in_its_trace(traces: Traces, function: Any, way: str, on_error: Any) -> None:
    executor = EXECUTORS[way]() if function is twice else None
    first = chain(TransformMany(function, executor=executor, on_error=on_error, name="first"))

    async def main() -> None:
        async with Network(first):
            for _ in range(3):
                with traces.span("request"):
                    await first.send(Picture())

    trio.run(main)
    assert traces.pairs() == {(None, "request"): 3, ("request", "first"): 3, ("request", "end"): 6}


async def test_a_filter_and_a_broadcast_hand_the_trace_on(traces: Traces) -> None:
    accepts, broadcast = Filter[int](bool, name="accepts"), Broadcast[int]()
    accepts.link_target(broadcast)
    for name in "ab":
        broadcast.link_target(Call[int](same, name=name))
    async with Network(accepts):
        for item in range(3):
            with traces.span("request"):
                await accepts.send(item)
    assert traces.pairs() == {
        (None, "request"): 3,
        ("request", "accepts"): 3,
        ("request", "a"): 2,
        ("request", "b"): 2,
    }


async def test_a_list_has_links_to_its_other_items(traces: Traces) -> None:
    batch = chain(Batch[int](3))
    async with Network(batch):
        for item in range(3):
            with traces.span(f"request {item}"):
                await batch.send(item)
    (span,) = traces.named("end")
    assert traces.pairs()["request 0", "end"] == 1
    requests = [*traces.named("request 1"), *traces.named("request 2")]
    wanted = {request.context.span_id for request in requests if request.context}
    assert {link.context.span_id for link in span.links} == wanted


async def test_a_list_of_no_items_begins_a_trace(traces: Traces) -> None:
    split = Flatten[int]()
    groups = chain(Regroup[int, list[int]](split))
    split.link_target(groups)
    async with Network(split):
        for items in ([1], []):
            await split.send(items)
    assert len(traces.named("end")) == 2


@pytest.mark.parametrize("sampled", [0, 1, 2])
async def test_a_tuple_is_traced_if_one_of_its_items_is(sampled: int) -> None:
    traces, off = Traces.of(ParentBased(ALWAYS_ON)), Traces.of(ALWAYS_OFF)
    telemetry = OpenTelemetry(tracer_provider=traces.provider, metrics=False)
    first, second = UnboundedBuffer[int](), UnboundedBuffer[int]()
    join = chain(Join(first, second))
    async with Network(join):
        for number, buffer in enumerate((first, second), start=1):
            with (traces if number <= sampled else off).span(f"request {number}"):
                await buffer.send(number)
    telemetry.close()
    assert [len(span.links) for span in traces.named("end")] == [[], [0], [1]][sampled]


class Judge(Agent):
    """Looks at what it gets, and sends it on."""

    def __init__(self, source: Source[Any], target: Target[Any], span: Callable[[str], Any] | None) -> None:
        super().__init__(inputs=[source], outputs=[target], name="judge")
        self.source, self.target, self.span = source, target, span

    async def run(self) -> None:
        async for item in self.source:
            with nullcontext() if self.span is None else self.span("thought"):
                await self.target.send(item)


@pytest.mark.parametrize("has_span", [False, True])
async def test_an_agent_has_a_span_per_item(traces: Traces, has_span: bool) -> None:
    buffer, call = UnboundedBuffer[Any](), Call[Any](same_later, capacity=1, name="end")
    judge = Judge(buffer, call, traces.span if has_span else None)
    async with Network(judge):
        for _ in range(3):
            with traces.span("request"):
                await buffer.send(Picture())
    pairs = traces.pairs()
    assert pairs["request", "judge"] == 3
    assert pairs["thought" if has_span else "request", "end"] == 3


async def test_what_the_body_sends_again_stays_in_its_trace_and_other_items_do_not(traces: Traces) -> None:
    buffer, call = UnboundedBuffer[Any](name="buffer"), Call[Any](same, name="end")
    first = Transformer[Any, Any](same, name="first")
    first.link_target(buffer)
    async with Network(first, buffer, call):
        with traces.span("request"):
            await first.send(Picture())
        got = await buffer.receive()
        await call.send(got)
        await call.send(Picture())
        await call.send(5)
    assert traces.pairs() == {
        (None, "request"): 1,
        ("request", "first"): 1,
        ("request", "end"): 1,
        (None, "Network"): 2,
        ("Network", "end"): 2,
    }


async def test_a_task_remembers_a_bounded_number_of_items(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.blocks.telemetry import task_spans

    monkeypatch.setattr(task_spans, "MOST_REMEMBERED", 2)
    buffer, call = UnboundedBuffer[Any](), Call[Any](same, name="end")
    async with Network(buffer, call):
        with traces.span("request"):
            for _ in range(5):
                await buffer.send(Picture())
        kept = [await buffer.receive() for _ in range(5)]
        for item in kept:
            await call.send(item)
    assert traces.pairs()["request", "end"] == 2


class Counting(Sampler):
    """Wants every second trace, and counts how often it is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def should_sample(self, *arguments: Any, **options: Any) -> SamplingResult:
        self.asked += 1
        return (ALWAYS_ON if self.asked % 2 else ALWAYS_OFF).should_sample(*arguments, **options)

    def get_description(self) -> str:
        return "every second"


@pytest.mark.parametrize("way", ["inline", "threads", "async"])
def test_the_sampler_is_asked_once_for_an_item_that_it_does_not_want(way: str) -> None:
    sampler = Counting()
    traces = Traces.of(ParentBased(sampler))
    telemetry = OpenTelemetry(tracer_provider=traces.provider, metrics=False)
    trio.run(send_all, chain(stage(way, "first", Fussy(3), on_error="skip"), stage(way, "second")), range(10))
    telemetry.close()
    assert sampler.asked == 10
    assert Counter(span.name for span in traces.spans) == dict.fromkeys(("Network", "first", "second", "end"), 5)


@pytest.mark.parametrize("many", [False, True])
async def test_items_of_a_sender_that_is_not_sampled_have_no_spans(traces: Traces, many: bool) -> None:
    off = Traces.of(ALWAYS_OFF)
    first = chain(TransformMany(twice) if many else stage("async", "first"))
    async with Network(first):
        with off.span("request"):
            await first.send(1)
    assert traces.spans == ()


async def test_a_source_in_a_span_that_is_not_sampled_has_no_spans(traces: Traces) -> None:
    source = IterableSource(range(3))
    chain(source)
    with Traces.of(ALWAYS_OFF).span("program"):
        async with Network(source):
            pass
    assert traces.spans == ()


async def test_the_sampler_may_leave_out_a_stage() -> None:
    class NotFirst(Counting):
        def should_sample(self, *arguments: Any, **options: Any) -> SamplingResult:
            return (ALWAYS_OFF if "first" in arguments else ALWAYS_ON).should_sample(*arguments, **options)

    inside: list[object] = []

    def look(item: int) -> int:
        inside.append(get_current_span().get_span_context().is_valid)
        return item

    own = Traces.of(NotFirst())
    telemetry = OpenTelemetry(tracer_provider=own.provider, metrics=False)
    await send_all(chain(stage("inline", "first", look)), [1])
    telemetry.close()
    assert (own.pairs(), inside) == ({(None, "Network"): 1, ("Network", "end"): 1}, [False])


def fussy_twice(item: Any) -> Iterator[Any]:
    yield item
    if item == 10:
        raise ValueError(item)
    yield item


async def fussy_twice_later(item: Any) -> AsyncIterator[Any]:
    for output in fussy_twice(item):
        yield output


@pytest.mark.parametrize("way", ["inline", "threads", "async"])
def test_a_run_can_be_recorded_and_traced(traces: Traces, way: str) -> None:
    recording, got = Recording(), list[Any]()

    async def run() -> None:
        executor = Threads(1) if way == "threads" else None
        split = fussy_twice_later if way == "async" else fussy_twice
        many = TransformMany[Any, Any](split, executor=executor, on_error="skip", name="many")
        first: Any = stage(way, "first", Fussy(3, times=1), on_error=Retry(1, backoff=0))
        first.link_target(many)
        many.link_target(batch := Batch[Any](2, name="batch"))
        batch.link_target(broadcast := Broadcast[Any](name="broadcast"))
        broadcast.link_target(buffer := UnboundedBuffer[Any](name="buffer"))
        broadcast.link_target(accepts := Filter[Any](len, name="accepts"))
        accepts.link_target(Call(same, name="stop"))
        judge = Judge(buffer, Call[Any](got.extend, name="end"), None)
        source = IterableSource(range(5, 7), name="source")
        source.link_target(Call[Any](same, name="fed"))
        spare = UnboundedBuffer[Any](name="spare")
        async with Network(first, judge, source, spare, recording=recording), trio.open_nursery() as nursery:
            for item in range(4):
                await first.send(item)
            nursery.start_soon(first.send, 4)
            await spare.send(Picture())
            await spare.receive()

    trio.run(run)
    assert sorted(got) == [0, 0, 20, 20, 30, 30, 40, 40]
    work = Counter(span.stage for span in recording.spans if span.activity is Activity.WORK)
    spans = Counter(span.name for span in traces.spans)
    stages = {"first": 6, "many": 5, "accepts": 4, "stop": 4, "judge": 4, "end": 4, "source": 2, "fed": 2}
    assert {name: spans[name] for name in stages} == stages
    del stages["judge"]  # a recording has its work in pieces
    assert {name: work[name] for name in stages} == stages


@pytest.mark.parametrize("way", ["inline", "async"])
def test_streams_can_be_recorded_and_traced(traces: Traces, way: str) -> None:
    recording = Recording()
    first = chain(TransformMany[Any, Any](twice_later if way == "async" else twice, name="first"))

    async def run() -> None:
        async with Network(first, recording=recording):
            await first.send(Picture())

    trio.run(run)
    assert traces.pairs() == {(None, "Network"): 1, ("Network", "first"): 1, ("Network", "end"): 2}
    assert [span.item for span in recording.spans if span.activity is Activity.WORK and span.stage == "end"] == [1, 1]


@pytest.mark.parametrize("fails", ["start", "end"])
async def test_a_broken_tracing_library_does_not_fail_a_run(fails: str, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Counting):
        def should_sample(self, *arguments: Any, **options: Any) -> SamplingResult:
            raise ZeroDivisionError

    class BrokenEnd(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise ZeroDivisionError

    provider = TracerProvider(sampler=Broken() if fails == "start" else ALWAYS_ON)
    provider.add_span_processor(BrokenEnd())
    telemetry, got = OpenTelemetry(tracer_provider=provider, metrics=False), list[int]()
    async with Network(call := Call[int](got.append), name="small"):
        for item in range(3):
            await call.send(item)
    telemetry.close()
    assert got == [0, 1, 2]
    (record,) = caplog.records
    assert record.getMessage() == "network 'small': spans fail, and are left out: ZeroDivisionError()"


async def test_only_the_named_networks_have_spans() -> None:
    traces = Traces.of(ALWAYS_ON)
    telemetry = OpenTelemetry(tracer_provider=traces.provider, spans=["wanted"], metrics=False)
    for name in ("wanted", "other"):
        async with Network(call := Call[int](same, name=name), name=name):
            await call.send(1)
    telemetry.close()
    async with Network(call := Call[int](same), name="wanted"):
        await call.send(1)
    assert traces.pairs() == {(None, "wanted"): 1, ("wanted", "wanted"): 1}


def test_a_text_is_no_collection_of_names() -> None:
    with pytest.raises(TypeError, match="must be a bool or a collection of names, got 'wanted'"):
        OpenTelemetry(spans="wanted")


def points(reader: InMemoryMetricReader) -> dict[tuple[str, tuple[str, ...]], float]:
    data: Any = reader.get_metrics_data()
    return {
        (metric.name, tuple(point.attributes.values())): point.value
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


async def test_the_metrics_are_those_of_the_statistics() -> None:
    reader = InMemoryMetricReader()
    telemetry = OpenTelemetry(spans=False, meter_provider=MeterProvider([reader]))
    call = Call[int](Fussy(1), on_error="skip", name="call")
    async with Network(call, name="small") as network:
        for item in range(3):
            await call.send(item)
            assert points(reader)["penstock.block.received", ("small", "call")] == item + 1
        assert points(reader)["penstock.network.running", ("small",)] == 1
    found = points(reader)
    assert found["penstock.block.items", ("small", "call", "dropped", "skipped")] == 1
    assert found["penstock.block.failed", ("small", "call")] == 1
    assert found["penstock.network.run", ("small",)] == network.statistics().seconds
    assert {name.removeprefix("penstock.") for name, _ in found} <= {metric.name for metric in METRICS}
    telemetry.close()
    assert points(reader) == {}


async def test_the_metrics_tell_how_long_a_rate_has_held_a_stage_up(
    autojump_clock: testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    reader = InMemoryMetricReader()
    telemetry = OpenTelemetry(spans=False, meter_provider=MeterProvider([reader]))
    call = Call[int](same, rate=Rate(2), name="call")
    async with Network(call, name="small"):
        for item in range(5):
            await call.send(item)
    assert points(reader)["penstock.block.wait", ("small", "call", "rate")] == pytest.approx(2)
    telemetry.close()


def test_without_a_provider_nothing_is_recorded_and_all_works() -> None:
    telemetry = OpenTelemetry()
    trio.run(send_all, chain(stage("inline", "first")), [1, 2])
    telemetry.close()


def test_times_of_another_clock_are_moved_between_begin_and_end() -> None:
    assert within((1, 2), 0, 3) == (1, 2)
    assert within((101, 102), 0, 3) == (2, 3)
    assert within((101, 109), 0, 3) == (0, 3)


def test_without_the_library_the_error_says_what_to_install() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; from penstock.blocks import *; "
    program += "from penstock.blocks.telemetry import OpenTelemetry"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "not installed: pip install 'penstock[otel]'" in done.stderr.splitlines()[-1]
