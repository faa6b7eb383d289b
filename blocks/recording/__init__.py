"""Recorded runs: bars, pictures, traces, replays."""

from ..base.activity import Activity
from ..charts.span import Span
from .recording import Recording
from .step import RunState, Step

__all__ = ["Activity", "Recording", "RunState", "Span", "Step"]
