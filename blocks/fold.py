"""A block that makes one result of all messages: a sum, a count, a table."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any, ClassVar, Generic, TypeVar, overload

from .base.callables import check_ran, check_runs, is_async
from .base.error_info import shorten
from .core.block import Block
from .core.shape import Shape
from .core.source import Source
from .core.target import Target
from .functions.async_runner import AsyncExpandingRunner
from .functions.at_end import LastCall, with_end
from .functions.checks import default_window
from .functions.expanding_runner import ExpandingRunner
from .functions.function_block import DEFAULT_CAPACITY
from .functions.policies import OnError
from .transform_many import TransformManyCore

In = TypeVar("In")
Out = TypeVar("Out")
Results = tuple[Out, ...]


class Folding(Generic[In, Out]):
    """The state of a fold, and the functions that change it and give it out.

    Args:
        who: The block.
        function: Makes the next state of the state and an item.
        start: The first state.
        running: Whether each state is given out, instead of the last one.
    """

    __slots__ = ("_function", "_running", "_state", "_who")

    def __init__(self, who: object, function: Callable[[Out, In], Any], start: Out, running: bool) -> None:
        self._who = who
        self._function = function
        self._state: Out = start
        self._running = running

    def add(self, item: In) -> Results[Out]:
        """Add an item."""
        state: Out = self._function(self._state, item)
        check_ran(self._who, "the function", state)
        return self._becomes(state)

    async def add_later(self, item: In) -> Results[Out]:
        """Add an item with an async function."""
        state: Out = await self._function(self._state, item)
        check_ran(self._who, "the function", state)
        return self._becomes(state)

    def _becomes(self, state: Out) -> Results[Out]:
        self._state = state
        return (state,) if self._running else ()

    def last(self) -> Results[Out]:
        """The result."""
        return (self._state,)

    def forget(self) -> None:
        """Let go of the state, which may have leases in it, because nothing will be added any more."""
        nothing: Any = None
        self._state = nothing


class FoldCore(TransformManyCore[In]):
    """The core of a fold.

    Attributes:
        folding: The state.
        running: Whether each state is given out, instead of the last one.
    """

    __slots__ = ("folding", "running")
    folding: Folding[In, Any]
    running: bool

    @property
    def keeps_order(self) -> bool:
        """Whether one message comes out for each one that comes in."""
        return self.running

    @property
    def shape(self) -> Shape:
        """No more messages come out than go in, except for one at the end."""
        return Shape()

    def finish(self) -> None:
        super().finish()
        self.folding.forget()

    def abort(self, reason: str) -> None:
        super().abort(reason)
        self.folding.forget()


class Fold(Block, Target[In], Source[Out]):
    """Makes one result of all messages with a function of the state and a message. Works in a network only.

    The first state is `start`; each message makes it `function(state, message)`. After the last message, the state is
    the result. If there is no message, the result is `start`. With `running=True`, the state after each message is
    handed on instead, and nothing more at the end.

    The fold works on a copy of `start` (`copy.deepcopy`). So the function may change its state and return it, for
    example a list or a `collections.Counter`, and no run and no other block sees this. But with `running=True`, all
    results would then be the same object: return a new state each time.

    - Inputs and outputs: takes messages from links and senders; each result goes to the first linked target that
      accepts it, or to a receiver.
    - Order: messages are added in the order in which they came, one at a time.
    - Holds: up to `capacity` messages that wait or are in work, and the state.
    - Back-pressure: with `running=True`, no message is added while results are not taken; when it is full, senders wait
      and links are postponed.
    - Ends: after its last producer, when its result was taken.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception. An item for which
      the function raises does not change the state, unless the function has changed it in place. There is no result if
      the network fails or is cancelled before the last message.

    In the balance a message counts as consumed, and a result as produced.

    Args:
        function: Called with the state and a message, returns the next state. A plain function, which runs on the loop
            and should be quick; or an `async def` function. To work in a thread, use an `async def` function with
            `trio.to_thread.run_sync`.
        start: The first state. It must be possible to copy it.
        running: Whether the state after each message is handed on, instead of the last state. Default: False.
        capacity: Up to this many messages wait or are in work, >= 1; None for no bound.
        on_error: What happens to a message for which the function raises: "fail", "skip", or a policy.
        context: Whether the function is called with the context variables (`contextvars`) of the message's sender, as
            for `TransformMany`. With `running=True`, they go on with the state. Default: False.
        name: The name of the block in reports; by default the name of the function.

    Raises:
        ValueError: `capacity` is less than 1, or `on_error` is not a policy.
        TypeError: `function` cannot be called with a state and a message, or is a generator function; or `start` cannot
            be copied.
    """

    __slots__ = ()
    kind: ClassVar[str] = "fold"
    _core: FoldCore[In]

    # The first overload takes any function; type checkers need it for a lambda. With it, mypy cannot infer the types of
    # an async function, unless they are annotated, and uses the second overload.
    @overload
    def __init__(
        self,
        function: Callable[[Out, In], Awaitable[Out] | Out],
        start: Out,
        *,
        running: bool = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        context: bool = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(  # type: ignore[overload-cannot-match]  # see above
        self,
        function: Callable[[Out, In], Awaitable[Out]],
        start: Out,
        *,
        running: bool = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        context: bool = ...,
        name: str | None = ...,
    ) -> None: ...

    def __init__(
        self,
        function: Callable[[Out, In], Any],
        start: Out,
        *,
        running: bool = False,
        capacity: int | None = DEFAULT_CAPACITY,
        on_error: OnError = "fail",
        context: bool = False,
        name: str | None = None,
    ) -> None:
        self._core = core = FoldCore[In](
            self, function, capacity=capacity, on_error=on_error, filter=None, time_limit=None, name=name
        )
        check_runs(core, function)
        check_takes_state(str(core), function)
        core.folding = folding = Folding[In, Out](core, function, copied(str(core), start), running)
        runs_async = is_async(function)
        core.function = folding.add_later if runs_async else folding.add
        core.running = running
        core.last_call = LastCall.NONE if running else LastCall.DUE
        if not running:
            core.function = with_end(str(core), core.function, folding.last, None)
        if context:
            from .functions.context import carry  # late: few blocks carry contexts

            carry(core, capacity=capacity, filter=None, executor=None, expands=True)
        if runs_async:
            core.use(AsyncExpandingRunner(core, 1, True, default_window(1), False))
        else:
            core.use(ExpandingRunner(core))


def check_takes_state(who: str, function: Callable[..., Any]) -> None:
    """Raise a `TypeError` if a function cannot be called with a state and an item."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in function may have no signature
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"{who}: the function is called with the state and an item: def function(state, item); {function!r} cannot "
            f"be: {error}"
        ) from None


def copied(who: str, start: Out) -> Out:
    """Copy the first state.

    Raises:
        TypeError: It cannot be copied.
    """
    try:
        return deepcopy(start)
    except Exception as error:
        raise TypeError(
            f"{who}: start must be possible to copy, because the state of a run must not be seen by another one; got "
            f"{shorten(start)}: {error}. Begin with None, and make it in the function when the state is None"
        ) from error
