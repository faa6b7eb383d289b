"""Messaging blocks: the dataflow layer of Penstock."""

from typing import TYPE_CHECKING

from .base.handing_on import hand_on

if TYPE_CHECKING:
    from .base.activity import Activity
    from .base.diagnosis import Diagnosis
    from .base.error_info import ErrorInfo
    from .base.errors import Declined, LoopHeldWarning, RemoteError, Stalled, TimeLimitExceeded, WorkerDied
    from .base.message_status import MessageStatus
    from .base.network_statistics import Statistics
    from .base.statistics import AgentStatistics, BlockStatistics, GovernorStatistics, PartStatistics
    from .base.times import Times
    from .base.version import __version__
    from .batch import Batch
    from .bounded_buffer import BoundedBuffer
    from .broadcast import Broadcast
    from .buffer import Buffer
    from .buffer_pool import BufferPool
    from .call import Call
    from .chaining import Chain, Propagator, chain
    from .charts.live_chart import ChartBar, ChartRow, ChartStyle, LiveChart
    from .charts.span import Span
    from .choice import Choice, Chosen
    from .collect import Collect
    from .core.balance import Balance, BlockBalance
    from .core.block import Block
    from .core.link import Link
    from .core.nodes import Node
    from .core.producer import Producer
    from .core.rate import Rate
    from .core.resource_pool import Lease, ResourcePool
    from .core.shape import Shape
    from .core.source import Source
    from .core.target import Target
    from .distribute import Distribute
    from .executors.cluster import Cluster
    from .executors.processes import Processes
    from .executors.threads import Threads
    from .executors.worker_state import worker_number, worker_seed, worker_state
    from .filter import Filter
    from .flatten import Flatten
    from .fold import Fold
    from .functions.policies import Budget, DeadLetter, Fail, Fallback, Retry, Skip
    from .iterable_source import IterableSource
    from .join import Join
    from .limits.time_limit import TimeLimit
    from .memory import MemoryBudget, free_memory, size_of
    from .network import Network
    from .overwrite_buffer import OverwriteBuffer
    from .priority_buffer import PriorityBuffer
    from .recording.recording import Recording
    from .recording.step import RunState, Step
    from .regroup import Regroup
    from .reports.bottleneck import Bottleneck, BottleneckKind, Waited
    from .reports.link_statistics import LinkKind, LinkStatistics
    from .reports.model import Stage
    from .reports.report import Report
    from .reports.suggest import Suggestion
    from .shutdown import Shutdown
    from .single_assignment import SingleAssignment
    from .streams.byte_transformer import ByteTransformer
    from .streams.file_reader import open_reader
    from .streams.file_writer import open_writer
    from .streams.receive_stream import receive_stream
    from .streams.send_stream import send_stream
    from .streams.stream_source import StreamSource
    from .streams.stream_target import StreamTarget
    from .take import Take
    from .take_while import TakeWhile
    from .tap import Tap
    from .throttle import Throttle
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
            ".base.network_statistics": "Statistics",
            ".base.statistics": "AgentStatistics BlockStatistics GovernorStatistics PartStatistics",
            ".base.times": "Times",
            ".base.version": "__version__",
            ".batch": "Batch",
            ".bounded_buffer": "BoundedBuffer",
            ".broadcast": "Broadcast",
            ".buffer": "Buffer",
            ".buffer_pool": "BufferPool",
            ".call": "Call",
            ".chaining": "Chain Propagator chain",
            ".charts.live_chart": "ChartBar ChartRow ChartStyle LiveChart",
            ".charts.span": "Span",
            ".choice": "Choice Chosen",
            ".collect": "Collect",
            ".core.balance": "Balance BlockBalance",
            ".core.block": "Block",
            ".core.link": "Link",
            ".core.nodes": "Node",
            ".core.producer": "Producer",
            ".core.rate": "Rate",
            ".core.resource_pool": "Lease ResourcePool",
            ".core.shape": "Shape",
            ".core.source": "Source",
            ".core.target": "Target",
            ".distribute": "Distribute",
            ".executors.cluster": "Cluster",
            ".executors.processes": "Processes",
            ".executors.threads": "Threads",
            ".executors.worker_state": "worker_number worker_seed worker_state",
            ".filter": "Filter",
            ".flatten": "Flatten",
            ".fold": "Fold",
            ".functions.policies": "Budget DeadLetter Fail Fallback Retry Skip",
            ".iterable_source": "IterableSource",
            ".join": "Join",
            ".limits.time_limit": "TimeLimit",
            ".memory": "MemoryBudget free_memory size_of",
            ".network": "Network",
            ".overwrite_buffer": "OverwriteBuffer",
            ".priority_buffer": "PriorityBuffer",
            ".recording.recording": "Recording",
            ".recording.step": "RunState Step",
            ".regroup": "Regroup",
            ".reports.bottleneck": "Bottleneck BottleneckKind Waited",
            ".reports.link_statistics": "LinkKind LinkStatistics",
            ".reports.model": "Stage",
            ".reports.report": "Report",
            ".reports.suggest": "Suggestion",
            ".shutdown": "Shutdown",
            ".single_assignment": "SingleAssignment",
            ".streams.byte_transformer": "ByteTransformer",
            ".streams.receive_stream": "receive_stream",
            ".streams.send_stream": "send_stream",
            ".streams.stream_source": "StreamSource",
            ".streams.stream_target": "StreamTarget",
            ".streams.file_reader": "open_reader",
            ".streams.file_writer": "open_writer",
            ".take": "Take",
            ".take_while": "TakeWhile",
            ".tap": "Tap",
            ".throttle": "Throttle",
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
    "BufferPool",
    "ByteTransformer",
    "Call",
    "Chain",
    "ChartBar",
    "ChartRow",
    "ChartStyle",
    "Choice",
    "Chosen",
    "Cluster",
    "Collect",
    "DeadLetter",
    "Declined",
    "Diagnosis",
    "Distribute",
    "ErrorInfo",
    "Fail",
    "Fallback",
    "Filter",
    "Flatten",
    "Fold",
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
    "PartStatistics",
    "PriorityBuffer",
    "Processes",
    "Producer",
    "Propagator",
    "Rate",
    "Recording",
    "Regroup",
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
    "StreamSource",
    "StreamTarget",
    "Suggestion",
    "Take",
    "TakeWhile",
    "Tap",
    "Target",
    "Threads",
    "Throttle",
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
    "chain",
    "free_memory",
    "open_reader",
    "open_writer",
    "receive_stream",
    "send_stream",
    "size_of",
    "worker_number",
    "worker_seed",
    "worker_state",
]
