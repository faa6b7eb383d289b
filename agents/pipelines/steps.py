"""The steps of a recipe: each makes fresh blocks for every run.

A step is tried when it is written, so that a wrong option is an error on that line.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import attrs

from penstock.blocks import Block, BoundedBuffer, Call, DeadLetter, Fallback, Retry, Source, Target
from penstock.blocks.core.block_core import BlockCore, core_of

T = TypeVar("T")
ROOM = 64
"""The room of a buffer that stands for no steps."""
Wrap = Callable[[Any], Any]
"""Returns an asynchronous function of asyncio as one of trio, and any other value as it is."""


@attrs.frozen
class Made:
    """The fresh blocks of one or more steps, linked in a line.

    Attributes:
        first: Takes the items.
        last: Gives the results.
        blocks: All blocks.
    """

    first: Any
    last: Any
    blocks: tuple[Block, ...]


@attrs.frozen
class FunctionCall:
    """What a step with a function was made of.

    Attributes:
        kind: The class of the block.
        function: The function.
        options: The options of the stage, without `stateful`.
        is_stateful: Whether the function has a state.
    """

    kind: Callable[..., Any]
    function: Callable[..., Any]
    options: Mapping[str, Any]
    is_stateful: bool


@attrs.frozen
class Step:
    """One step of a recipe.

    Attributes:
        label: What it does, in a few words.
        make: Makes the blocks.
        concurrency: Up to how many calls run at once.
        needs: How many items must be in the step before it hands one on.
        wants: How many items may be in the step before it hands one on; more than `needs` if this depends on the items,
            or on the time.
        call: What it was made of, if it is a function with options.
    """

    label: str
    make: Callable[[Wrap], Made]
    concurrency: int
    needs: int
    wants: int
    call: FunctionCall | None = None


def needed_by(steps: Iterable[Step]) -> int:
    """How many items must be in some steps, one behind the other, before they hand one on."""
    return 1 + sum(step.needs - 1 for step in steps)


def wanted_by(steps: Iterable[Step]) -> int:
    """How many items may be in some steps, one behind the other, before they hand one on."""
    return 1 + sum(step.wants - 1 for step in steps)


def as_it_is(value: T) -> T:
    """Return the value."""
    return value


def check_options(who: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise a `TypeError` for an option that does not exist; type checkers find it, but not everybody uses one."""
    for name in options:
        if name not in known:
            raise TypeError(f"{who}: there is no option {name!r}; there are {', '.join(known)}")


def make_all(steps: Sequence[Step], wrap: Wrap = as_it_is) -> Made:
    """Make the blocks of some steps, and link them in a line; without steps, a buffer."""
    if not steps:
        items: BoundedBuffer[Any] = BoundedBuffer(ROOM, name="items")
        return Made(items, items, (items,))
    return link_all([step.make(wrap) for step in steps])


def link_all(parts: Sequence[Made]) -> Made:
    """Link parts in a line."""
    for before, after in itertools.pairwise(parts):
        before.last.link_target(after.first)
    return Made(parts[0].first, parts[-1].last, tuple(block for part in parts for block in part.blocks))


def tried(label: str, make: Callable[[Wrap], Made]) -> Step:
    """Make a step, and try it once."""
    made = make(as_it_is)
    cores = [core_of(block) for block in made.blocks]
    shapes = [core.shape for core in cores]
    needs = max((shape.group for shape in shapes if not shape.group_is_timed), default=1)
    # with fewer items, a group with a time limit would go out only when its time is up
    wants = max((shape.group for shape in shapes), default=1)
    return Step(label, make, concurrency_of(cores), needs, wants)


def concurrency_of(cores: Iterable[BlockCore]) -> int:
    """Up to how many calls run at once in some blocks together; a block that calls nothing counts as one."""
    return sum(getattr(getattr(core, "runner", None), "concurrency", 1) for core in cores)


# Blocks made of a class and arguments


def step_of(who: str, kind: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any], label: str) -> Step:
    """Make a step with one block.

    Args:
        who: The method of the recipe, for errors.
        kind: The class of the block.
        args: Its arguments.
        options: Its keyword arguments.
        label: What it does.
    """
    check_policy(who, options.get("on_error"))

    def make(wrap: Wrap) -> Made:
        policy, extra = fresh_policy(options.get("on_error"), wrap)
        more = {name: wrap(value) for name, value in options.items()}
        if policy is not None:
            more["on_error"] = policy
        block = kind(*map(wrap, args), **more)
        return Made(block, block, (block, *extra))

    return tried(label, make)


def check_policy(who: str, policy: object) -> None:
    """Raise a `TypeError` if a policy sends dead letters to a block, which can belong to one run only."""
    while isinstance(policy, (Retry, Fallback)):
        policy = policy.then
    target: object = policy.target if isinstance(policy, DeadLetter) else None
    if isinstance(target, Target):
        raise TypeError(
            f"{who}: a pipeline makes new blocks for each run, so its dead letters cannot go to {target!s}; give "
            "DeadLetter a function, which is called with each ErrorInfo"
        )


def fresh_policy(policy: Any, wrap: Wrap) -> tuple[Any, tuple[Block, ...]]:
    """Return a policy for one run, and the blocks that it needs."""
    if isinstance(policy, (Retry, Fallback)):
        then, extra = fresh_policy(policy.then, wrap)
        wrapped = {"function": wrap(policy.function)} if isinstance(policy, Fallback) else {}
        return attrs.evolve(policy, then=then, **wrapped), extra
    if isinstance(policy, DeadLetter):
        letters: Call[Any] = Call(wrap(policy.target), name="dead letters")
        return attrs.evolve(policy, target=letters), (letters,)
    return policy, ()


# Blocks as templates


def step_like(who: str, template: object) -> Step:
    """Make a step with a block like one that the user has made.

    Raises:
        TypeError: It is no block with an input and an output.
        ValueError: It is linked, or has run.
    """
    if not (isinstance(template, Block) and isinstance(template, Target) and isinstance(template, Source)):
        hint = ""
        if isinstance(template, Block):
            hint = "; a block without input or output is linked to a section() of the pipeline"
        elif callable(template):
            hint = "; give a function to map(), or filter(), or another method that says what it is for"
        raise TypeError(f"{who}: needs a pipeline, or a block that takes and gives messages, got {template!r}{hint}")
    core = core_of(cast("Block", template))
    if len(core.inboxes()) != 1:
        raise TypeError(f"{who}: {template} has several inputs; link it to a section() of the pipeline")
    made = core.made
    if made is None:
        raise TypeError(f"{who}: it is not known how to make another block like {template}; give a pipeline")
    if core.host is not None or core.finished or core.inbox.producers or core.outbox.links or core.held():
        raise ValueError(
            f"{who}: {template} is linked, or has run; a pipeline makes new blocks like it for each run, so give a "
            "block that is used nowhere else, or link it to a section() of the pipeline"
        )
    check_policy(who, made.options.get("on_error"))
    kind, args, options, name, accepts = made.kind, made.args, made.options, core.name, core.inbox.filter

    def make(wrap: Wrap) -> Made:
        block = kind(*map(wrap, args), **{key: wrap(value) for key, value in options.items()})
        block.name = name
        block.filter = accepts
        return Made(block, block, (block,))

    return tried(name, make)
