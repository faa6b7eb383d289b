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
from .errors import Declined, Stalled
from .iterable_source import IterableSource
from .join import Join
from .link import Link
from .message_status import MessageStatus
from .network import Network
from .overwrite_buffer import OverwriteBuffer
from .policies import Budget, DeadLetter, Fail, Retry, Skip
from .producer import Producer
from .report import Report
from .shutdown import Shutdown
from .single_assignment import SingleAssignment
from .source import Source
from .target import Target
from .timer import Timer
from .transform_many import TransformMany
from .transformer import Transformer
from .unbounded_buffer import UnboundedBuffer

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
    "DeadLetter",
    "Declined",
    "ErrorInfo",
    "Fail",
    "IterableSource",
    "Join",
    "Link",
    "MessageStatus",
    "Network",
    "OverwriteBuffer",
    "Producer",
    "Report",
    "Retry",
    "Shutdown",
    "SingleAssignment",
    "Skip",
    "Source",
    "Stalled",
    "Target",
    "Timer",
    "TransformMany",
    "Transformer",
    "UnboundedBuffer",
]
