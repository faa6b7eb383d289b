"""Metrics and traces of networks, for the systems that programs send them to."""

from typing import TYPE_CHECKING

from ..base.handing_on import hand_on

if TYPE_CHECKING:
    from .open_telemetry import OpenTelemetry
    from .prometheus import PrometheusCollector
else:
    __getattr__, __dir__ = hand_on(
        __name__,
        {
            ".open_telemetry": "OpenTelemetry",
            ".prometheus": "PrometheusCollector",
        },
    )

__all__ = [
    "OpenTelemetry",
    "PrometheusCollector",
]
