"""Starts and ends the spans of one network. An error in a tracing library is logged, and never fails the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode, Tracer
from opentelemetry.trace.span import INVALID_SPAN

from ..base.error_info import Shown, is_cancellation
from ..base.log import fields, kind_of, log
from .metrics import label_of_network


class Spans:
    """Starts and ends spans.

    Args:
        tracer: The tracer of OpenTelemetry.
        network: The name of the network.
    """

    def __init__(self, tracer: Tracer, network: str) -> None:
        self._tracer = tracer
        self._network = network
        self._label = label_of_network(network)
        self._has_failed = False

    def start(
        self,
        stage: str,
        parent: Context,
        number: int,
        tries: int = 0,
        links: Sequence[Link] | None = None,
        at: int | None = None,
    ) -> Span:
        """Start the span of an item in a stage.

        Args:
            stage: The block or agent.
            parent: The context with the parent of the span.
            number: The number of the item.
            tries: How often its work has failed before.
            links: Links to the spans of other items.
            at: The start, in nanoseconds since 1970; by default now.
        """
        known: dict[str, str | int] = {"penstock.block": stage}
        if tries:
            known["penstock.retry"] = tries
        return self._start(stage, parent, number, known, links, at)

    def root(self, number: int, parent: Context) -> Span:
        """Start the span with which the trace of an item begins."""
        return self._start(self._label, parent, number, {})

    def _start(
        self,
        name: str,
        parent: Context,
        number: int,
        known: Mapping[str, str | int],
        links: Sequence[Link] | None = None,
        at: int | None = None,
    ) -> Span:
        attributes = {"penstock.network": self._network, "penstock.item": number, **known}
        try:
            return self._tracer.start_span(name, parent, attributes=attributes, links=links, start_time=at)
        except Exception as error:
            self._report(error)
            return INVALID_SPAN

    def end(self, span: Span, at: int | None = None) -> None:
        """End a span, now or at a time in nanoseconds since 1970."""
        try:
            span.end(at)
        except Exception as error:
            self._report(error)

    def _report(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            found = fields("spans_fail", network=self._network, error=error)
            log.warning("network %r: spans fail, and are left out: %s", self._network, Shown(error), extra=found)


def mark_failed(span: Span, error: BaseException) -> None:
    """Note in a span that its work has failed, or was cancelled."""
    if is_cancellation(error):
        span.set_attribute("penstock.cancelled", True)
    else:
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, kind_of(error)))
