"""Messaging blocks: the dataflow layer of Penstock."""

from typing import TYPE_CHECKING

from .base.handing_on import hand_on

if TYPE_CHECKING:
    from .base.activity import Activity
    from .base.diagnosis import Diagnosis
    from .base.error_info import ErrorInfo
    from .base.errors import Declined, LoopHeldWarning, RemoteError, Stalled, TimeLimitExceeded, WorkerDied
    from .base.message_status import MessageStatus
    from .base.statistics import AgentStatistics, BlockStatistics, GovernorStatistics, Statistics
    from .base.times import Times
    from .base.version import __version__
    from .batch import Batch
    from .bounded_buffer import BoundedBuffer
    from .broadcast import Broadcast
    from .buffer import Buffer
    from .call import Call
    from .charts.live_chart import ChartBar, ChartRow, ChartStyle, LiveChart
    from .charts.span import Span
    from .choice import Choice, Chosen
    from .core.balance import Balance, BlockBalance
    from .core.block import Block
    from .core.link import Link
    from .core.nodes import Node
    from .core.producer import Producer
    from .core.resource_pool import Lease, ResourcePool
    from .core.shape import Shape
    from .core.source import Source
    from .core.target import Target
    from .executors.cluster import Cluster
    from .executors.processes import Processes
    from .executors.threads import Threads
    from .executors.worker_state import worker_state
    from .filter import Filter
    from .functions.policies import Budget, DeadLetter, Fail, Retry, Skip
    from .iterable_source import IterableSource
    from .join import Join
    from .limits.time_limit import TimeLimit
    from .memory import MemoryBudget, free_memory, size_of
    from .network import Network
    from .overwrite_buffer import OverwriteBuffer
    from .recording.recording import Recording
    from .recording.step import RunState, Step
    from .reports.bottleneck import Bottleneck, BottleneckKind, Waited
    from .reports.link_statistics import LinkKind, LinkStatistics
    from .reports.model import Stage
    from .reports.report import Report
    from .reports.suggest import Suggestion
    from .shutdown import Shutdown
    from .single_assignment import SingleAssignment
    from .take import Take
    from .timer import Timer
    from .transform_many import TransformMany
    from .transformer import Transformer
    from .unbounded_buffer import UnboundedBuffer
else:
    __getattr__, __dir__ = hand_on(
        __name__,
        {
            ".base.activity": "Activity",
            ".base.diagnosis": "Diagnosis",
            ".base.error_info": "ErrorInfo",
            ".base.errors": "Declined LoopHeldWarning RemoteError Stalled TimeLimitExceeded WorkerDied",
            ".base.message_status": "MessageStatus",
            ".base.statistics": "AgentStatistics BlockStatistics GovernorStatistics Statistics",
            ".base.times": "Times",
            ".base.version": "__version__",
            ".batch": "Batch",
            ".bounded_buffer": "BoundedBuffer",
            ".broadcast": "Broadcast",
            ".buffer": "Buffer",
            ".call": "Call",
            ".charts.live_chart": "ChartBar ChartRow ChartStyle LiveChart",
            ".charts.span": "Span",
            ".choice": "Choice Chosen",
            ".core.balance": "Balance BlockBalance",
            ".core.block": "Block",
            ".core.link": "Link",
            ".core.nodes": "Node",
            ".core.producer": "Producer",
            ".core.resource_pool": "Lease ResourcePool",
            ".core.shape": "Shape",
            ".core.source": "Source",
            ".core.target": "Target",
            ".executors.cluster": "Cluster",
            ".executors.processes": "Processes",
            ".executors.threads": "Threads",
            ".executors.worker_state": "worker_state",
            ".filter": "Filter",
            ".functions.policies": "Budget DeadLetter Fail Retry Skip",
            ".iterable_source": "IterableSource",
            ".join": "Join",
            ".limits.time_limit": "TimeLimit",
            ".memory": "MemoryBudget free_memory size_of",
            ".network": "Network",
            ".overwrite_buffer": "OverwriteBuffer",
            ".recording.recording": "Recording",
            ".recording.step": "RunState Step",
            ".reports.bottleneck": "Bottleneck BottleneckKind Waited",
            ".reports.link_statistics": "LinkKind LinkStatistics",
            ".reports.model": "Stage",
            ".reports.report": "Report",
            ".reports.suggest": "Suggestion",
            ".shutdown": "Shutdown",
            ".single_assignment": "SingleAssignment",
            ".take": "Take",
            ".timer": "Timer",
            ".transform_many": "TransformMany",
            ".transformer": "Transformer",
            ".unbounded_buffer": "UnboundedBuffer",
        },
    )

__all__ = [
    "Activity",
    "AgentStatistics",
    "Balance",
    "Batch",
    "Block",
    "BlockBalance",
    "BlockStatistics",
    "Bottleneck",
    "BottleneckKind",
    "BoundedBuffer",
    "Broadcast",
    "Budget",
    "Buffer",
    "Call",
    "ChartBar",
    "ChartRow",
    "ChartStyle",
    "Choice",
    "Chosen",
    "Cluster",
    "DeadLetter",
    "Declined",
    "Diagnosis",
    "ErrorInfo",
    "Fail",
    "Filter",
    "GovernorStatistics",
    "IterableSource",
    "Join",
    "Lease",
    "Link",
    "LinkKind",
    "LinkStatistics",
    "LiveChart",
    "LoopHeldWarning",
    "MemoryBudget",
    "MessageStatus",
    "Network",
    "Node",
    "OverwriteBuffer",
    "Processes",
    "Producer",
    "Recording",
    "RemoteError",
    "Report",
    "ResourcePool",
    "Retry",
    "RunState",
    "Shape",
    "Shutdown",
    "SingleAssignment",
    "Skip",
    "Source",
    "Span",
    "Stage",
    "Stalled",
    "Statistics",
    "Step",
    "Suggestion",
    "Take",
    "Target",
    "Threads",
    "TimeLimit",
    "TimeLimitExceeded",
    "Timer",
    "Times",
    "TransformMany",
    "Transformer",
    "UnboundedBuffer",
    "Waited",
    "WorkerDied",
    "__version__",
    "free_memory",
    "size_of",
    "worker_state",
]
