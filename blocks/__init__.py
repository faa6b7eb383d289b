"""Messaging blocks: the dataflow layer of Penstock."""

from .balance import Balance, BlockBalance
from .batch import Batch
from .block import Block
from .bounded_buffer import BoundedBuffer
from .broadcast import Broadcast
from .buffer import Buffer
from .call import Call
from .choice import Choice, Chosen
from .cluster import Cluster
from .error_info import ErrorInfo
from .errors import Declined, LoopHeldWarning, RemoteError, Stalled, WorkerDied
from .iterable_source import IterableSource
from .join import Join
from .link import Link
from .message_status import MessageStatus
from .network import Network
from .overwrite_buffer import OverwriteBuffer
from .policies import Budget, DeadLetter, Fail, Retry, Skip
from .processes import Processes
from .producer import Producer
from .report import Report
from .shutdown import Shutdown
from .single_assignment import SingleAssignment
from .source import Source
from .suggest import Stage, Suggestion
from .target import Target
from .threads import Threads
from .timer import Timer
from .transform_many import TransformMany
from .transformer import Transformer
from .unbounded_buffer import UnboundedBuffer
from .worker_state import worker_state

__all__ = [
    "Balance",
    "Batch",
    "Block",
    "BlockBalance",
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
    "ErrorInfo",
    "Fail",
    "IterableSource",
    "Join",
    "Link",
    "LoopHeldWarning",
    "MessageStatus",
    "Network",
    "OverwriteBuffer",
    "Processes",
    "Producer",
    "RemoteError",
    "Report",
    "Retry",
    "Shutdown",
    "SingleAssignment",
    "Skip",
    "Source",
    "Stage",
    "Stalled",
    "Suggestion",
    "Target",
    "Threads",
    "Timer",
    "TransformMany",
    "Transformer",
    "UnboundedBuffer",
    "WorkerDied",
    "worker_state",
]
