"""Agents: the control-flow layer of Penstock."""

from typing import TYPE_CHECKING

from penstock.blocks.base.handing_on import hand_on

if TYPE_CHECKING:
    from penstock.blocks import ErrorInfo, Shutdown, __version__

    from .agent import Agent, wait_for_all, wait_for_one
    from .agent_status import AgentStatus
    from .conversations.askable import Askable
    from .conversations.asked import AskStatistics
    from .conversations.mailbox import Mailbox
    from .conversations.message import Message
    from .conversations.not_answered import NotAnswered
    from .conversations.request import Request
    from .conversations.service import Service
    from .governor import PipelineGovernor
    from .graphs.checkpoint import Checkpoint, CheckpointReport
    from .graphs.results import Ended, Results, TasksFailed
    from .graphs.statistics import GraphStatistics, GroupStatistics
    from .graphs.task import LazyTasks, Task, Tasks, optional
    from .graphs.task_graph import TaskGraph
    from .multiplexer import SequenceError, SequenceMultiplexer
    from .pipelines.asyncio_network import AsyncioNetwork, asyncio_function
    from .pipelines.built import RunOptions
    from .pipelines.hosting import trio_function
    from .pipelines.pipeline import Pipeline
    from .pipelines.run import Run
    from .pipelines.section import Section
    from .pipelines.stage import Stage
    from .pipelines.stage_options import BlockOptions, CallOptions, ForkOptions, MapOptions, StageOptions
    from .pipelines.stream import Stream
    from .plans.hand_over_costs import HandOverCosts
    from .plans.pipeline_profile import PipelineProfile
    from .plans.plan import Plan
    from .plans.plan_stage import PlanStage
    from .plans.plan_task import PlanTask
    from .plans.task_profile import TaskProfile
    from .runtime.progress import Progress
    from .runtime.runtime import Runtime
    from .runtime.task_handle import TaskHandle
    from .scopes.gather import gather
    from .scopes.race import Winner, first_success, race
    from .scopes.scope import Scope
    from .tasks.handle import Handle
    from .tasks.not_run import NotRun
    from .tasks.task_state import TaskState
else:
    __getattr__, __dir__ = hand_on(
        __name__,
        {
            "penstock.blocks": "ErrorInfo Shutdown __version__",
            ".agent": "Agent wait_for_all wait_for_one",
            ".agent_status": "AgentStatus",
            ".conversations.askable": "Askable",
            ".conversations.asked": "AskStatistics",
            ".conversations.mailbox": "Mailbox",
            ".conversations.message": "Message",
            ".conversations.not_answered": "NotAnswered",
            ".conversations.request": "Request",
            ".conversations.service": "Service",
            ".governor": "PipelineGovernor",
            ".graphs.checkpoint": "Checkpoint CheckpointReport",
            ".graphs.results": "Ended Results TasksFailed",
            ".graphs.statistics": "GraphStatistics GroupStatistics",
            ".graphs.task": "LazyTasks Task Tasks optional",
            ".graphs.task_graph": "TaskGraph",
            ".multiplexer": "SequenceError SequenceMultiplexer",
            ".pipelines.asyncio_network": "AsyncioNetwork asyncio_function",
            ".pipelines.built": "RunOptions",
            ".pipelines.hosting": "trio_function",
            ".pipelines.pipeline": "Pipeline",
            ".pipelines.run": "Run",
            ".pipelines.section": "Section",
            ".pipelines.stage": "Stage",
            ".pipelines.stage_options": "BlockOptions CallOptions ForkOptions MapOptions StageOptions",
            ".pipelines.stream": "Stream",
            ".plans.hand_over_costs": "HandOverCosts",
            ".plans.pipeline_profile": "PipelineProfile",
            ".plans.plan": "Plan",
            ".plans.plan_stage": "PlanStage",
            ".plans.plan_task": "PlanTask",
            ".plans.task_profile": "TaskProfile",
            ".runtime.progress": "Progress",
            ".runtime.runtime": "Runtime",
            ".runtime.task_handle": "TaskHandle",
            ".scopes.gather": "gather",
            ".scopes.race": "Winner first_success race",
            ".scopes.scope": "Scope",
            ".tasks.handle": "Handle",
            ".tasks.not_run": "NotRun",
            ".tasks.task_state": "TaskState",
        },
    )

__all__ = [
    "Agent",
    "AgentStatus",
    "AskStatistics",
    "Askable",
    "AsyncioNetwork",
    "BlockOptions",
    "CallOptions",
    "Checkpoint",
    "CheckpointReport",
    "Ended",
    "ErrorInfo",
    "ForkOptions",
    "GraphStatistics",
    "GroupStatistics",
    "HandOverCosts",
    "Handle",
    "LazyTasks",
    "Mailbox",
    "MapOptions",
    "Message",
    "NotAnswered",
    "NotRun",
    "Pipeline",
    "PipelineGovernor",
    "PipelineProfile",
    "Plan",
    "PlanStage",
    "PlanTask",
    "Progress",
    "Request",
    "Results",
    "Run",
    "RunOptions",
    "Runtime",
    "Scope",
    "Section",
    "SequenceError",
    "SequenceMultiplexer",
    "Service",
    "Shutdown",
    "Stage",
    "StageOptions",
    "Stream",
    "Task",
    "TaskGraph",
    "TaskHandle",
    "TaskProfile",
    "TaskState",
    "Tasks",
    "TasksFailed",
    "Winner",
    "__version__",
    "asyncio_function",
    "first_success",
    "gather",
    "optional",
    "race",
    "trio_function",
    "wait_for_all",
    "wait_for_one",
]
