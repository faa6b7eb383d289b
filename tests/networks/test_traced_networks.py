"""Networks of any shape run as they do without telemetry, and each call in them has a span."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from penstock.blocks import Recording
from penstock.blocks.telemetry import OpenTelemetry
from penstock.blocks.telemetry.metrics import RECEIVED
from penstock.blocks.telemetry.networks import Networks
from tests.networks.harness import SCHEDULES, Schedule
from tests.networks.plans import Plan, Run
from tests.networks.strategies import plans


def trace(plan: Plan, schedule: Schedule, share: float, recording: Recording | None = None) -> None:
    """Run a plan with everything that watches, and check that it was seen as it was."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry, networks = OpenTelemetry(tracer_provider=provider, metrics=False), Networks()
    run = Run(plan, schedule, recording=recording)
    try:
        run.go()
        run.check()
        check_spans(exporter.get_finished_spans(), run, share)
        check_metrics(networks, run)
    finally:
        telemetry.close()
        networks.close()


def check_spans(spans: tuple[ReadableSpan, ...], run: Run, share: float) -> None:
    """Every call has a span, and every span is in a trace that begins with a span of ours."""
    calls = Counter(span.name for span in spans)
    roots = {span.context.trace_id for span in spans if span.parent is None and span.context}
    assert {span.context.trace_id for span in spans if span.context} == roots
    for numbers in run.network.statistics().blocks:
        if numbers.place and share == 1.0:
            assert calls[numbers.name] >= numbers.service.count


def check_metrics(networks: Networks, run: Run) -> None:
    """The totals of an ended network are those of its statistics."""
    values = networks.read()
    for numbers in run.network.statistics().blocks:
        where = ("generated", numbers.name)
        if where in {labels for metric, labels in values if metric is RECEIVED}:  # other names are numbered anew
            assert values[RECEIVED, where] == numbers.received


@given(plans(trouble="handled"), SCHEDULES)
def test_healthy_networks(plan: Plan, schedule: Schedule) -> None:
    trace(plan, schedule, share=1.0)


@given(plans(trouble="faults", incidents=True), SCHEDULES)
def test_networks_that_are_stopped_and_sampled(plan: Plan, schedule: Schedule) -> None:
    trace(plan, schedule, share=0.5)


@given(plans(trouble="handled", threads=True), SCHEDULES)
@settings(max_examples=30)
def test_networks_with_threads_that_are_recorded_too(plan: Plan, schedule: Schedule) -> None:
    trace(plan, schedule, share=1.0, recording=Recording())
