"""Recorded runs: bars, pictures, traces, replays."""

from ..charts.span import Activity, Span
from .recording import Recording
from .step import RunState, Step

__all__ = ["Activity", "Recording", "RunState", "Span", "Step"]
