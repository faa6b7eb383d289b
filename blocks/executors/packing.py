"""Packs objects for another process: each is pickled by itself, and its big buffers stay outside the stream."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from pickle import PickleBuffer
from types import NoneType
from typing import Any

from .slots import BIG, Span

Packed = bytes | tuple[bytes | Span, Sequence[Span]]
"""A stream; or a stream (in a slot if it is big) and its buffers in slots."""
Put = Callable[[Sequence[memoryview]], Sequence[Span] | None]
Lend = Callable[..., memoryview]
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
    """

    __slots__ = ("_are_small", "_buffers", "_put")

    def __init__(self, put: Put) -> None:
        self._put = put
        self._buffers: list[memoryview] = []
        self._are_small = True

    def pack_small(self, values: Sequence[object]) -> list[bytes] | None:
        """Pack objects, each by itself, if all of them are small; else None, and also if the last ones were not."""
        if not self._are_small or len(values) < 2:
            return None
        keep_out = self._keep_out
        streams: list[bytes] | None = None
        with suppress(Exception):  # `pack` raises it for the object that is the cause
            streams = [pickle.dumps(value, 5, buffer_callback=keep_out) for value in values]
        self._are_small = streams is not None and not self._buffers and max(map(len, streams)) < SMALL
        self._buffers = []
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
            if self._buffers:
                self._buffers = []

    def _keep_out(self, buffer: PickleBuffer) -> bool:
        """Keep a buffer out of the stream (return False) if it is big."""
        raw = buffer.raw()
        if raw.nbytes < BIG:
            return True
        self._buffers.append(raw)
        return False

    def _place(self, stream: bytes) -> Packed | None:
        is_big = len(stream) >= BIG
        spans = self._put([*self._buffers, memoryview(stream)] if is_big else self._buffers)
        if spans is None:
            return None
        return (spans[-1], spans[:-1]) if is_big else (stream, spans)


def unpack(packed: Packed, lend: Lend) -> Any:
    """Make the object again; `lend` gives the memory of a slot for as long as the object uses it."""
    if isinstance(packed, bytes):
        return pickle.loads(packed)
    stream, spans = packed
    return pickle.loads(stream if isinstance(stream, bytes) else lend(*stream), buffers=[lend(*span) for span in spans])


def spans_of(packed: Packed) -> Sequence[Span]:
    """The slots that a packed object uses."""
    if isinstance(packed, bytes):
        return ()
    stream, spans = packed
    return spans if isinstance(stream, bytes) else [*spans, stream]
