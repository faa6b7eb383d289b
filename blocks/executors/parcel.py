"""Items on their way to an executor and back, in this process or to another one.

In the process where it was made, a parcel is just its items. When an executor pickles it, each item is packed by
itself. So an item that cannot be pickled, or unpickled on the other side, fails alone. Arrays and other big buffers
stay outside the stream if the executor's pickler supports this (protocol 5).
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import attrs

from ..base.error_info import annotate
from .remote import ErrorRecord, Undeliverable
from .work import Outcome, Task, perform

PICKLABLE = "define it at the top level of a module (not a lambda, and not inside another function), or use Threads"


@attrs.frozen(slots=True)
class Packed:
    """An item as bytes, or the exception that stands in its place.

    Attributes:
        stream: The pickle, or the record of the exception.
        buffers: The buffers that stay outside the stream.
    """

    stream: bytes | ErrorRecord
    buffers: Sequence[Any] = ()

    @classmethod
    def of(cls, item: object, protocol: int, note: str) -> Packed:
        """Pack an item; if that fails, pack the exception with the note."""
        buffers: list[pickle.PickleBuffer] = []
        try:
            return cls(pickle.dumps(item, 5, buffer_callback=buffers.append if protocol >= 5 else None), buffers)
        except Exception as error:
            annotate(error, note)
            return cls(ErrorRecord.of(error))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        buffers = map(pickle.PickleBuffer, self.buffers)  # a process that passes them on may have changed their type
        return Packed, (
            self.stream,
            list(buffers) if protocol >= 5 else [bytearray(buffer.raw()) for buffer in buffers],
        )

    def unpack(self, note: str) -> Any:
        """Get the item, or raise `Undeliverable` for an exception in its place; other errors get the note."""
        if isinstance(self.stream, ErrorRecord):
            raise Undeliverable(self.stream)
        try:
            return pickle.loads(self.stream, buffers=self.buffers)
        except Exception as error:
            annotate(error, note)
            raise


class Parcel:
    """Some items on their way to the place of the work."""

    __slots__ = ("items", "name")

    def __init__(self, items: Sequence[Any], name: str) -> None:
        self.items: Sequence[Any] = items
        self.name: str = name

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return PackedParcel, ([Packed.of(item, protocol, self.note) for item in self.items], self.name)

    @property
    def note(self) -> str:
        """The note for an item that cannot be sent or unpacked."""
        return f"the item could not be sent to the process that works for {self.name}"

    def perform(self, task: Task) -> Outcome:
        """Do the task with the items."""
        return perform(task, self.items)


class PackedParcel(Parcel):
    """The packed items, in the process that works on them or in one that passes them on."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return PackedParcel, (self.items, self.name)

    def perform(self, task: Task) -> Outcome:
        """Do the task; unpack each item when its turn comes."""
        function, note = task.function, self.note

        def unpack_and_call(packed: Packed) -> Any:
            return function(packed.unpack(note))

        return perform(attrs.evolve(task, function=unpack_and_call), self.items)


class Answer:
    """The outcome of a parcel."""

    __slots__ = ("name", "outcome")

    def __init__(self, outcome: Outcome, name: str) -> None:
        self.outcome: Outcome = outcome
        self.name: str = name

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        outcome = self.outcome
        note = f"the result could not be sent back from the process that works for {self.name}"
        failed = {place: Packed(ErrorRecord.of(error)) for place, error in outcome.failures}
        results = iter(outcome.results)
        packed = [failed.get(place) or Packed.of(next(results), protocol, note) for place in range(outcome.done)]
        return PackedAnswer, (packed, outcome.seconds, outcome.cpu, note)

    def unpack(self) -> Outcome:
        """Get the outcome."""
        return self.outcome


class PackedAnswer:
    """The answer on its way back."""

    __slots__ = ("cpu", "note", "packed", "seconds")

    def __init__(self, packed: Sequence[Packed], seconds: float, cpu: float, note: str) -> None:
        self.packed: Sequence[Packed] = packed
        self.seconds: float = seconds
        self.cpu: float = cpu
        self.note: str = note

    def unpack(self) -> Outcome:
        """Get the outcome; a result that could not be sent is a failure of its item."""
        outcome = Outcome([], [], self.seconds, self.cpu)
        for place, packed in enumerate(self.packed):
            try:
                outcome.results.append(packed.unpack(self.note))
            except Undeliverable as error:
                outcome.failures.append((place, error.record.revive()))
            except Exception as error:
                outcome.failures.append((place, error))
        return outcome


def perform_parcel(task: Task, parcel: Parcel) -> Answer | PackedAnswer:
    """Do a job in the executor."""
    return Answer(parcel.perform(task), task.name)
