"""Recorded runs: bars, pictures, traces, replays."""

from .recording import Recording
from .span import Activity, Span
from .step import RunState, Step

__all__ = ["Activity", "Recording", "RunState", "Span", "Step"]
