"""Traces and metrics of all networks for OpenTelemetry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from functools import partial

from ..base.version import __version__
from ..core.observer import Observer
from ..core.ports import Host
from ..core.view import View
from ..core.watchers import watchers
from ..recording.routes import Routes
from .metrics import METRICS, Metric
from .networks import Networks, Values

try:
    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation, get_meter
    from opentelemetry.trace import Tracer, TracerProvider, get_tracer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "OpenTelemetry needs opentelemetry-api, which is not installed: pip install 'penstock[otel]'", name=error.name
    ) from error


class OpenTelemetry:
    """Writes spans and metrics of all networks of the program with OpenTelemetry.

    Make one when the program starts, after the providers of the SDK. It watches every network that starts after that.

    - Each item has a span in each block that calls a function, in each agent, and in each `IterableSource`. Its parent
      is the current span of the sender of the item. If the sender has none, the item begins a trace of its own.
    - A span has the attributes `penstock.network`, `penstock.block`, `penstock.item`, and where they apply
      `penstock.worker`, `penstock.retry` and `penstock.cancelled`. If the function raises, the span has the exception
      and the status "error". Each retry has a span.
    - If the span of the sender is not sampled, or if the sampler does not want the first span of an item, the item has
      no spans, which costs little.
    - The metrics are those of `PrometheusCollector`, as observable instruments.

    Args:
        tracer_provider: Makes the tracer. Default: the global one.
        meter_provider: Makes the meter. Default: the global one.
        spans: Whether to write spans, or the names of the networks for which to write them.
        metrics: Whether to give metrics.

    Raises:
        TypeError: `spans` is a text.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        spans: Collection[str] | bool = True,
        metrics: bool = True,
    ) -> None:
        if isinstance(spans, str):
            raise TypeError(f"OpenTelemetry: spans must be a bool or a collection of names, got {spans!r}")
        self._tracer: Tracer = get_tracer("penstock", __version__, tracer_provider)
        self._spans = spans
        self._gauges = Instruments(get_meter("penstock", __version__, meter_provider)) if metrics else None
        if spans:
            watchers.add(self)

    def close(self) -> None:
        """Watch no more networks, and give no more metrics; networks that run now keep their spans."""
        watchers.remove(self)
        if self._gauges is not None:
            self._gauges.close()

    def observer(self, network: View, routes: Routes) -> Observer | None:
        """Make what writes the spans of a network, if they are wanted."""
        names = self._spans
        if not (names if isinstance(names, bool) else network.name in names):
            return None
        from .span_tracer import SpanTracer
        from .spans import Spans

        return SpanTracer(Spans(self._tracer, network.name), routes)

    def begins(self, network: View) -> None:
        """Do nothing: the observer does it."""

    def fails(self, network: Host, block: str, number: int, item: object, error: BaseException, action: str) -> None:
        """Do nothing: the observer does it."""

    def ends(self, network: View, how: str, error: BaseException | None) -> None:
        """Do nothing: the observer does it."""


class Instruments:
    """The observable instruments of all metrics.

    The SDK reads one instrument after the other. So the numbers are taken once, and again when an instrument is read a
    second time.

    Args:
        meter: Makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        self._networks = Networks()
        self._lock = threading.Lock()
        self._values: Values = {}
        self._read: set[Metric] = set(METRICS)
        for metric in METRICS:
            make: Callable[..., object] = (
                meter.create_observable_counter if metric.grows else meter.create_observable_gauge
            )
            observe = partial(self._observe, metric)
            make(f"penstock.{metric.name}", callbacks=[observe], unit=metric.unit, description=metric.text)

    def close(self) -> None:
        """Give no more metrics."""
        self._networks.close()

    def _observe(self, metric: Metric, options: CallbackOptions) -> Iterable[Observation]:
        """Give the values of an instrument; the SDK calls this in any thread."""
        del options
        with self._lock:
            if metric in self._read:
                self._read.clear()
                self._values = self._networks.read()
            self._read.add(metric)
            values = self._values
        return [
            Observation(value, dict(zip((f"penstock.{label}" for label in metric.labels), labels, strict=True)))
            for (one, labels), value in values.items()
            if one is metric
        ]
