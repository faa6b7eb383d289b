"""Agents: the control-flow layer of Penstock."""

from penstock.blocks import ErrorInfo, Shutdown, __version__

from .agent import Agent, wait_for_all, wait_for_one
from .agent_status import AgentStatus
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
    "__version__",
    "wait_for_all",
    "wait_for_one",
]
