"""The common part of all blocks that users see. A block keeps everything else in its core."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

if TYPE_CHECKING:
    from .ports import Facade
    from .shape import Shape


class NotMade(AttributeError):
    """The `__init__` of a user's class has not called the `__init__` of its base class yet."""


class Unmade:
    """Stands where the core of a block or an agent will be; every use says what is missing.

    Args:
        kind: The class of the block or agent.
        args: The arguments with which it is made.
        options: Its keyword arguments.
    """

    __slots__ = ("args", "kind", "options")
    args: tuple[Any, ...]
    kind: type[Any]
    options: dict[str, Any]

    def __init__(self, kind: type[Any], args: tuple[Any, ...], options: dict[str, Any]) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "options", options)

    def __repr__(self) -> str:
        return f"<{self.kind.__name__} object, not made yet>"

    def error(self) -> NotMade:
        """Make the error that says what to do."""
        name = self.kind.__name__
        return NotMade(f"{name} is used before it is made: call super().__init__(...) first in {name}.__init__")

    def __getattr__(self, name: str) -> Any:
        raise self.error()

    def __setattr__(self, name: str, value: object) -> None:
        raise self.error()


class Cored:
    """The base of what a user may derive from: it keeps everything but its public interface in a core."""

    __slots__ = ("_core",)
    _core: Any

    if not TYPE_CHECKING:  # pragma: no branch  # type checkers look at `__init__` only

        def __new__(cls, *args: object, **options: object) -> Self:
            made = super().__new__(cls)
            made._core = Unmade(cls, args, options)
            return made

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return repr(self._core)


class Block(Cored):
    """The base of all blocks: name, state, statistics."""

    __slots__ = ("__weakref__",)
    kind: ClassVar[str] = "block"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"{self} cannot be copied or pickled: it is one place in a network, make another block")

    @property
    def name(self) -> str:
        """The name in reports, notes and messages; a network adds a number to it if the name is taken."""
        return cast("str", self._core.name)

    @name.setter
    def name(self, name: str) -> None:
        self._core.name = name

    @property
    def network(self) -> Facade | None:
        """The network that the block belongs to, or None."""
        host = self._core.host
        return None if host is None else cast("Facade", host.facade)

    @property
    def is_finished(self) -> bool:
        """Whether the block has drained and handed on everything."""
        return cast("bool", self._core.finished)

    @property
    def shape(self) -> Shape:
        """What this kind of block does with messages, for the checks, the deadlock detection and the reports."""
        return cast("Shape", self._core.shape)


def inside(thing: Any) -> Any:
    """Return the core of a block, of an input of a block, or of an agent; None for any other object.

    Raises:
        NotMade: The object has no core yet.
    """
    core: Any = getattr(thing, "_core", None)
    if isinstance(core, Unmade):
        raise core.error()
    return core


def way_made(block: Any) -> Unmade | None:
    """How a block that is being made is made: its class and arguments; None if this is not known."""
    core: object = getattr(block, "_core", None)
    return core if isinstance(core, Unmade) else None


def no_attribute(thing: object, name: str, known: Container[str] = (), remedy: str = "") -> AttributeError:
    """Make the usual `AttributeError`; add the remedy if similar objects have the attribute (it is in `known`)."""
    core: object = getattr(thing, "_core", None)
    if isinstance(core, Unmade):
        return core.error()
    text = f"{type(thing).__name__!r} object has no attribute {name!r}"
    return AttributeError(f"{text}; {remedy}" if name in known else text, name=name, obj=thing)


OF_SOURCES = ("consume", "link_target", "receive", "receive_nowait", "release", "reserve", "unlink_targets")
"""The public methods of a source."""
OF_TARGETS = ("complete", "offer", "producer", "send", "send_nowait")
"""The public methods of a target."""
