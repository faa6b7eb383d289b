"""Agents: the control-flow layer of Penstock."""

from penstock.blocks import ErrorInfo, Shutdown

from .agent import Agent, AgentStatus, wait_for_all, wait_for_one
from .governor import PipelineGovernor
from .multiplexer import SequenceError, SequenceMultiplexer

__all__ = [
    "Agent",
    "AgentStatus",
    "ErrorInfo",
    "PipelineGovernor",
    "SequenceError",
    "SequenceMultiplexer",
    "Shutdown",
    "wait_for_all",
    "wait_for_one",
]
