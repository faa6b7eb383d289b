"""Results in files: one file for each, which is written as a whole or not at all.

A file has a first line, the SHA-256 of the rest, and the pickle of the result. It gets its name when it is complete.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import trio

from penstock.blocks.base.error_info import annotate

HEAD = b"Penstock checkpoint 1\n"
"""The first line of a file."""
DIGEST_BYTES = sha256().digest_size


@attrs.frozen
class Stored:
    """A result, and what is known of its file.

    Attributes:
        value: The result.
        digest: The SHA-256 of its pickle.
        was_loaded: Whether it was there already.
        why: Why it was made again, if there was a file.
    """

    value: Any
    digest: bytes
    was_loaded: bool = False
    why: str | None = None


class Damaged(Exception):
    """Raised for a file from which no result can be made."""


def load(path: Path) -> Stored | None:
    """Read a result; None if there is no file.

    Raises:
        Damaged: The file is incomplete, was changed, or is not from here; or its pickle cannot be read any more.
        OSError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    start = len(HEAD) + DIGEST_BYTES
    digest, pickled = data[len(HEAD) : start], data[start:]
    if not data.startswith(HEAD) or sha256(pickled).digest() != digest:
        raise Damaged("its file was damaged")
    try:
        return Stored(pickle.loads(pickled), digest, was_loaded=True)
    except Exception as error:  # a class may have another name now
        raise Damaged(f"its file could not be read: {error!r}") from error


def save(path: Path, value: Any, name: str, why: str | None = None) -> Stored:
    """Write a result.

    Args:
        path: The file.
        value: The result.
        name: The task.
        why: Why it was made again, if there was a file.

    Raises:
        TypeError: The result cannot be pickled.
        OSError: The file cannot be written.
    """
    try:
        pickled = pickle.dumps(value, 5)
    except Exception as error:
        raise TypeError(
            f"the result of task {name!r} cannot be pickled, so a checkpoint cannot keep it ({error}); return a value "
            "that can be pickled, and let the tasks that need it make files, locks and connections themselves"
        ) from error
    digest = sha256(pickled).digest()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        temporary.write_bytes(HEAD + digest + pickled)
        temporary.replace(path)
    except OSError as error:
        annotate(error, f"while the result of task {name!r} was written to the folder of the checkpoint")
        with suppress(OSError):
            temporary.unlink()
        raise
    return Stored(value, digest, why=why)


@attrs.frozen
class Keep:
    """Calls a function if its result is not there yet, and keeps the result. It runs where the function runs.

    Attributes:
        function: The function.
        path: The file of its result.
        name: The task.
    """

    function: Callable[..., Any]
    path: Path
    name: str

    def __call__(self, *args: Any) -> Stored:
        try:
            found = load(self.path)
        except Damaged as damaged:
            return save(self.path, self.function(*args), self.name, str(damaged))
        return found or save(self.path, self.function(*args), self.name)


@attrs.frozen
class KeepAsync:
    """The same for an asynchronous function; files are read and written in a thread."""

    function: Callable[..., Awaitable[Any]]
    path: Path
    name: str

    async def __call__(self, *args: Any) -> Stored:
        why = None
        try:
            found = await trio.to_thread.run_sync(load, self.path)
            if found is not None:
                return found
        except Damaged as damaged:
            why = str(damaged)
        value = await self.function(*args)
        return await trio.to_thread.run_sync(save, self.path, value, self.name, why)
