"""Messaging blocks: the dataflow layer of Penstock."""

from .balance import Balance, BlockBalance
from .batch import Batch
from .block import Block
from .bounded_buffer import BoundedBuffer
from .broadcast import Broadcast
from .buffer import Buffer
from .call import Call
from .choice import Choice, Chosen
from .error_info import ErrorInfo
from .errors import Declined, LoopHeldWarning, RemoteError, Stalled, TimeLimitExceeded, WorkerDied
from .executors.cluster import Cluster
from .executors.processes import Processes
from .executors.threads import Threads
from .executors.worker_state import worker_state
from .iterable_source import IterableSource
from .join import Join
from .limits.time_limit import TimeLimit
from .link import Link
from .measuring.statistics import AgentStatistics, BlockStatistics, GovernorStatistics, Statistics
from .measuring.times import Times
from .memory import MemoryBudget, free_memory, size_of
from .message_status import MessageStatus
from .network import Network
from .overwrite_buffer import OverwriteBuffer
from .policies import Budget, DeadLetter, Fail, Retry, Skip
from .producer import Producer
from .recording import Activity, Recording, RunState, Span, Step
from .reports.bottleneck import Bottleneck, BottleneckKind, Waited
from .reports.link_statistics import LinkKind, LinkStatistics
from .reports.model import Stage
from .reports.report import Report
from .reports.suggest import Suggestion
from .shutdown import Shutdown
from .single_assignment import SingleAssignment
from .source import Source
from .target import Target
from .timer import Timer
from .transform_many import TransformMany
from .transformer import Transformer
from .unbounded_buffer import UnboundedBuffer
from .verdict.diagnosis import Diagnosis

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
    "Choice",
    "Chosen",
    "Cluster",
    "DeadLetter",
    "Declined",
    "Diagnosis",
    "ErrorInfo",
    "Fail",
    "GovernorStatistics",
    "IterableSource",
    "Join",
    "Link",
    "LinkKind",
    "LinkStatistics",
    "LoopHeldWarning",
    "MemoryBudget",
    "MessageStatus",
    "Network",
    "OverwriteBuffer",
    "Processes",
    "Producer",
    "Recording",
    "RemoteError",
    "Report",
    "Retry",
    "RunState",
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
    "free_memory",
    "size_of",
    "worker_state",
]
