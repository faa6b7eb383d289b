"""Metrics of all networks for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from .metrics import METRICS, SECONDS, Metric
from .networks import Networks

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "PrometheusCollector needs prometheus_client, which is not installed: pip install 'penstock[prometheus]'",
        name=error.name,
    ) from error


class PrometheusCollector(Collector):
    """Gives the metrics of all networks of the program to Prometheus.

    Register it once, before the networks start: `REGISTRY.register(PrometheusCollector())`. It collects the numbers of
    `network.statistics()` for every network that starts after that, in any thread. Nothing is measured for it, and
    between two scrapes it costs nothing.

    - Each scrape asks the loops of the running networks for their numbers, and waits for up to a second. If a loop is
      blocked for longer, the scrape has its last numbers, and `penstock_network_age_seconds` says how old they are. A
      scrape by a task of a loop does not wait for the networks of this loop.
    - The counters of a network stay when it has ended; its gauges are gone. Networks of one name are counted together,
      so over several epochs the counters go on.
    - A network without a name has the name of its class as its label. Blocks without names have their class and a
      number that is the same in each run. The counters of the 1000 names of networks that ended last are kept.
    """

    def __init__(self) -> None:
        self._networks = Networks()

    def close(self) -> None:
        """Watch no more networks, and forget all numbers; unregister the collector as well."""
        self._networks.close()

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield all metrics without values, so that the registry knows their names."""
        yield from map(family, METRICS)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield all metrics with their values; callable in any thread."""
        families = {metric: family(metric) for metric in METRICS}
        for (metric, labels), value in self._networks.read().items():
            families[metric].add_metric(labels, value)
        yield from families.values()


def family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    """Make a metric without values."""
    name = "penstock_" + metric.name.replace(".", "_") + ("_seconds" if metric.unit == SECONDS else "")
    kind = CounterMetricFamily if metric.grows else GaugeMetricFamily
    return kind(name, metric.text, labels=metric.labels)
