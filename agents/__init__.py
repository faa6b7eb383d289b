"""Agents: the control-flow layer of Penstock."""

from typing import TYPE_CHECKING

from penstock.blocks.base.handing_on import hand_on

if TYPE_CHECKING:
    from penstock.blocks import ErrorInfo, Shutdown, __version__

    from .agent import Agent, wait_for_all, wait_for_one
    from .agent_status import AgentStatus
    from .governor import PipelineGovernor
    from .multiplexer import SequenceError, SequenceMultiplexer
else:
    __getattr__, __dir__ = hand_on(
        __name__,
        {
            "penstock.blocks": "ErrorInfo Shutdown __version__",
            ".agent": "Agent wait_for_all wait_for_one",
            ".agent_status": "AgentStatus",
            ".governor": "PipelineGovernor",
            ".multiplexer": "SequenceError SequenceMultiplexer",
        },
    )

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
