"""Uses a checkpoint in one run of a graph.

The key of a task is the SHA-256 of its group, its version, its function and its arguments. A result that is an argument
stands there by the SHA-256 of its pickle, which is in its file: so a key does not depend on how a value is pickled
after it was read. If several tasks have the same key, the second one gets another one: they may be exchanged, because
neither of them is after the other by its arguments.
"""

from __future__ import annotations

import io
import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from penstock.blocks.base.error_info import shorten

from .checkpoint import Checkpoint, CheckpointReport
from .node import Node
from .stored import Keep, KeepAsync, Stored


class Keeping:
    """A checkpoint in use.

    Args:
        checkpoint: The checkpoint.
        is_async: Whether a function is asynchronous.
        functions: The functions of the graph, and the names of tasks that have them.

    Raises:
        TypeError: A function cannot be pickled.
    """

    def __init__(
        self, checkpoint: Checkpoint, is_async: Callable[[Any], bool], functions: Iterable[tuple[str, Any]]
    ) -> None:
        self._checkpoint = checkpoint
        self._is_async = is_async
        self._functions: dict[int, bytes] = {}
        self._uses: Counter[bytes] = Counter()
        self._loaded = 0
        self._saved = 0
        self._redone: dict[str, str] = {}
        for name, function in functions:
            if id(function) not in self._functions:  # a callable object may have no hash; the nodes keep it alive
                self._functions[id(function)] = pickled_function(name, function)

    def kept(self, node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
        """What is called in place of the function of a task.

        Args:
            node: The task.
            function: Its function, as it is sent to the executor.

        Raises:
            TypeError: An argument cannot be pickled.
        """
        if any(each.digest is None for each in node.inputs):
            return function  # the task wants to know of a failure, which may not happen the next time
        group = repr((node.group, self._checkpoint.version_of(node.group))).encode()
        key = sha256(b"\0".join((group, self._functions[id(node.function)], pickled_arguments(node)))).digest()
        self._uses[key] += 1
        if self._uses[key] > 1:
            key = sha256(key + str(self._uses[key]).encode()).digest()
        name = key.hex()
        make = KeepAsync if self._is_async(node.function) else Keep
        return make(function, self._checkpoint.folder / name[:2] / f"{name[2:]}.pickle", node.name)

    def take(self, node: Node, value: Any) -> Any:
        """Note where a result has come from, and return it."""
        if not isinstance(value, Stored):
            return value
        node.digest = value.digest
        if value.was_loaded:
            self._loaded += 1
        else:
            self._saved += 1
        if value.why is not None:
            self._redone[node.name] = value.why
        return value.value

    def report(self) -> CheckpointReport:
        """What it has done."""
        return CheckpointReport(self._loaded, self._saved, self._redone)


class ArgumentsPickler(pickle.Pickler):
    """Pickles arguments, with digests in place of results, and sets in an order that is the same in each program."""

    def persistent_id(self, obj: Any) -> Any:
        """What stands for an object; None for the object itself."""
        if isinstance(obj, Node):
            return "result", obj.digest
        if type(obj) in (set, frozenset):
            return type(obj).__name__, sorted(map(pickled, obj))
        return None


def pickled(value: Any) -> bytes:
    """The pickle of a part of the arguments."""
    file = io.BytesIO()
    ArgumentsPickler(file, 5).dump(value)
    return file.getvalue()


def pickled_arguments(node: Node) -> bytes:
    """The pickle of the arguments of a task.

    Raises:
        TypeError: One of them cannot be pickled.
    """
    try:
        return pickled(node.args)
    except Exception as error:
        raise TypeError(
            f"a checkpoint cannot find the result of {node}, because its arguments cannot be pickled ({error}): "
            f"{', '.join(map(shorten, node.args))}; give it values that can be pickled"
        ) from error


def pickled_function(name: str, function: Callable[..., Any]) -> bytes:
    """The pickle of a function, which is its name, and what is bound to it.

    Raises:
        TypeError: It cannot be pickled.
    """
    try:
        return pickled(function)
    except Exception as error:
        raise TypeError(
            f"a checkpoint cannot tell the function of task {name!r} from others, because it cannot be pickled "
            f"({error}); define it with `def` at the top level of a module, and give it values as arguments"
        ) from error
