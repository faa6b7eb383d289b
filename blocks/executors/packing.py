"""Packs objects for another process: each is pickled by itself, and its big buffers stay outside the stream."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from pickle import PickleBuffer
from types import NoneType
from typing import Any

from ..base.lending import Loan
from .slots import BIG, Span

Packed = bytes | tuple[bytes | Span, Sequence[Span]]
"""A stream; or a stream (in a slot if it is big) and its buffers in slots."""
Put = Callable[[Sequence[memoryview]], Sequence[Span] | None]
Lend = Callable[..., memoryview]
LendTo = Callable[[Loan], Span]
NUMBERS = frozenset({int, float, complex, bool, NoneType})
PLAIN = NUMBERS | {str}
"""Types whose pickling never fails and involves no other objects, so that many can be pickled at once."""
FLAT = frozenset({bytes, bytearray})
SMALL = 1 << 12
"""Bytes of a stream up to which several objects are packed in one go, even if the last of them are not sent then."""


class Flat:
    """Keeps the content of a big `bytes` or `bytearray` outside the stream."""

    __slots__ = ("data",)

    def __init__(self, data: bytes | bytearray) -> None:
        self.data: bytes | bytearray = data

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[PickleBuffer]]:
        return type(self.data), (PickleBuffer(self.data),)


class Packer:
    """Packs objects.

    Args:
        put: Copies buffers into slots; returns None if there is no memory for them.
        lend: Lends a buffer of a pool, if that is possible.

    Attributes:
        loans: The loans of the object that is being packed, by the `id` of the view that is pickled.
    """

    __slots__ = ("_are_small", "_buffers", "_lend", "_put", "loans")

    def __init__(self, put: Put, lend: LendTo | None = None) -> None:
        self._put = put
        self._lend = lend
        self._buffers: list[memoryview | Loan] = []
        self._are_small = True
        self.loans: dict[int, Loan] = {}

    def pack_small(self, values: Sequence[object]) -> list[bytes] | None:
        """Pack objects, each by itself, if all of them are small; else None, and also if the last ones were not."""
        if not self._are_small or len(values) < 2:
            return None
        keep_out = self._keep_out
        streams: list[bytes] | None = None
        with suppress(Exception):  # `pack` raises it for the object that is the cause
            streams = [pickle.dumps(value, 5, buffer_callback=keep_out) for value in values]
        self._are_small = streams is not None and not self._buffers and max(map(len, streams)) < SMALL
        self._clear()
        return streams if self._are_small else None

    def pack(self, value: object) -> Packed:
        """Pack an object; raises any exception that its pickling raises."""
        if type(value) in NUMBERS:
            return pickle.dumps(value, 5)
        flat = type(value) in FLAT and len(value) >= BIG  # type: ignore[arg-type]  # it is one of these two
        try:
            stream = pickle.dumps(Flat(value) if flat else value, 5, buffer_callback=self._keep_out)  # type: ignore[arg-type]
            self._are_small = not self._buffers and len(stream) < SMALL
            if not self._buffers and len(stream) < BIG:
                return stream
            return self._place(stream) or pickle.dumps(value, 5)
        finally:
            self._clear()

    def _clear(self) -> None:
        if self._buffers:
            self._buffers = []
        if self.loans:
            self.loans.clear()

    def _keep_out(self, buffer: PickleBuffer) -> bool:
        """Keep a buffer out of the stream (return False) if it is big, or is lent."""
        raw = buffer.raw()
        if self.loans and (loan := self.loans.get(id(raw.obj))) is not None:
            self._buffers.append(loan)
            return False
        if raw.nbytes < BIG:
            return True
        self._buffers.append(raw)
        return False

    def _place(self, stream: bytes) -> Packed | None:
        """Put big buffers, and a big stream, into slots, and lend other buffers; None if there is no memory."""
        is_big = len(stream) >= BIG
        copied = [buffer for buffer in self._buffers if not isinstance(buffer, Loan)]
        spans = self._put([*copied, memoryview(stream)] if is_big else copied)
        if spans is None:
            if self.loans:
                raise MemoryError("there is no shared memory beside that of the pool")
            return None
        if self._lend is not None and len(copied) < len(self._buffers):
            others = iter(spans)
            kept = [self._lend(buffer) if isinstance(buffer, Loan) else next(others) for buffer in self._buffers]
            return (spans[-1], kept) if is_big else (stream, kept)
        return (spans[-1], spans[:-1]) if is_big else (stream, spans)


def unpack(packed: Packed, lend: Lend) -> Any:
    """Make the object again; `lend` gives the memory of a slot for as long as the object uses it."""
    if isinstance(packed, bytes):
        return pickle.loads(packed)
    buffers: list[memoryview] = []
    error: MemoryError | None = None
    for span in spans_of(packed):  # all of them, because a slot that was not lent would not return
        try:
            buffers.append(lend(*span))
        except MemoryError as raised:
            error = raised
    try:
        if error is not None:
            raise error
        stream = packed[0]
        return pickle.loads(stream if isinstance(stream, bytes) else buffers.pop(), buffers=buffers)
    finally:
        del buffers, error  # the error refers to this frame


def spans_of(packed: Packed) -> Sequence[Span]:
    """The slots that a packed object uses."""
    if isinstance(packed, bytes):
        return ()
    stream, spans = packed
    return spans if isinstance(stream, bytes) else [*spans, stream]
