"""Advice for a network that cannot move any more, derived from its waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..core.block_core import BlockCore
from ..core.gate import Gate
from ..core.inbox import UNBOUNDED, Inbox
from ..core.inputs import InputsCore
from .block_waits import lacks, waiting_before
from .wait_for import DEAD_LETTERS, Cause, Names, Wait, narrow


def advise(waits: Iterable[Wait], cycle: Sequence[Wait], names: Names) -> tuple[str, ...]:
    """Return advice about the circle of waits, and about waits that nothing can end."""
    waits = list(waits)
    lines = list(about_cycle(cycle, names))
    for wait in waits:
        if wait.whom is None:
            lines += about_dead_end(wait)
    lines += about_tokens(waits)
    lines += about_leases(waits)
    calls = [wait.who for wait in waits if wait.cause is Cause.CALL and isinstance(wait.who, BlockCore)]
    lines += filter(None, (block.remedy_for_calls() for block in calls))
    return tuple(dict.fromkeys(lines))


def about_leases(waits: Sequence[Wait]) -> Iterator[str]:
    """Yield advice about resource pools whose resources are all in use and do not come back."""
    for wait in waits:
        if wait.cause is Cause.LEASE:
            yield (
                f"give leases of {wait.whom} back earlier: call lease.give_back(), or hand something on that does not "
                f"refer to them; or put more than {wait.count} into the pool"
            )


def about_tokens(waits: Sequence[Wait]) -> Iterator[str]:
    """Yield advice about buffers whose readers are done: perhaps their messages are meant to stay."""
    left = {wait.who for wait in waits if wait.cause is Cause.LEFT}
    for wait in waits:
        if wait.cause is Cause.BUSY and wait.whom in left and getattr(wait.who, "left_over", "") == "report":
            yield f'give {wait.who} left_over="keep" if its messages are meant to be there in the end'


# A circle


def about_cycle(cycle: Sequence[Wait], names: Names) -> Iterator[str]:
    """Yield advice that breaks a circle; more room helps only if no task has to take or send a message explicitly."""
    causes = {wait.cause: wait for wait in cycle}
    full = next((wait for wait in cycle if wait.cause is Cause.FULL and has_bound(wait.inbox)), None)
    gate = next((wait.who for wait in cycle if isinstance(wait.who, Gate)), None)
    if unread := causes.get(Cause.UNREAD):
        yield f"receive from {unread.who} in a task of its own, which does nothing else"
    elif taken := causes.get(Cause.TAKEN):
        yield f"call free_slot() of {taken.who} once for each slot that was taken; {taken.count} are still taken"
    elif answer := causes.get(Cause.ANSWER):
        yield from about_answer(cycle, answer, names)
    elif gate is not None:
        yield f"raise the limit of {gate} to at least {gate.limit_for(lacking(cycle, gate))}"
    elif full is not None and full.inbox is not None:
        yield from about_room(cycle, full.inbox)
    elif not (set(causes) & HAND_MADE):
        yield from about_order(cycle, names)
    awaited = [wait.inbox for wait in cycle if wait.cause in (Cause.FULL, Cause.GATE)]
    for wait in cycle:
        if wait.inbox is None or wait.inbox not in awaited:  # a send to an awaited target would wait, too
            yield from about_hand(wait, names)


def about_answer(cycle: Sequence[Wait], answer: Wait, names: Names) -> Iterator[str]:
    """Yield advice about a question without an answer."""
    asking = [wait for wait in cycle if wait.cause is Cause.ANSWER]
    if len(asking) > 1 or any(wait.cause is Cause.CALL for wait in cycle):
        yield (
            "let none of these ask another of them before it has answered, or forward the request; or raise the "
            "concurrency"
        )
    else:
        yield f"let {names.name(answer.whom)} answer {answer.remedy}: `with request:` answers in any case"


HAND_MADE = {Cause.RESERVED, Cause.FEED, Cause.CALL, Cause.HANDLE, Cause.LEASE}


def about_room(cycle: Sequence[Wait], inbox: Inbox[Any]) -> Iterator[str]:
    """Yield advice about a sufficient capacity.

    All waiting messages must fit in. In a circle of links, one more place must stay free, or nothing moves. If a task
    is in the circle, the task is the free place: it takes a message out before it sends the next one.
    """
    more = lacking(cycle, None)
    if not any(wait.cause in (Cause.INPUT, Cause.BUSY) for wait in cycle):
        expanding = [str(wait.who) for wait in cycle if isinstance(wait.who, BlockCore) and wait.who.shape.expands]
        if expanding:
            yield f"let no more come out of {', '.join(expanding)} than goes in, or give {inbox} capacity=None"
            return
        more = waiting_before(inbox) + all(isinstance(wait.who, BlockCore) for wait in cycle)
    yield f"raise the capacity of {inbox} to at least {inbox.capacity + max(1, more)}"


def about_order(cycle: Sequence[Wait], names: Names) -> Iterator[str]:
    """Yield advice about tasks that wait for each other: one of them must go first."""
    who = list(dict.fromkeys(names.name(wait.who) for wait in cycle if not isinstance(wait.who, BlockCore)))
    if who:
        rest = f" of {', '.join(who)}" if len(who) > 1 else ""
        first = f"one{rest}" if rest else who[0]
        yield f"let {first} send, complete or end first, without waiting for messages that come back to it"


def about_hand(wait: Wait, names: Names) -> Iterator[str]:
    """Yield advice about an action that a task must do explicitly."""
    if wait.cause is Cause.RESERVED:
        yield f"consume or release the head of {wait.who}, which {wait.remedy} has reserved"
    elif wait.cause is Cause.FEED:
        yield f"send to {wait.inbox}, or complete it, before {names.name(wait.whom)} waits for the results"
    elif wait.cause is Cause.HANDLE:
        yield f"close the producer handle {wait.remedy!r}, or send through it, before {names.name(wait.whom)} waits"
    elif wait.cause is Cause.CALL:
        yield f"let the function of {wait.who} not wait for its own network: return what it has, and link a target"


def lacking(cycle: Sequence[Wait], gate: Gate | None) -> int:
    """Return how many more messages must come in before a node of the circle can go on, as far as this is known."""
    more: list[int] = [1, *(lacks(wait.who) for wait in cycle if isinstance(wait.who, BlockCore))]
    if gate is None:
        inputs = [wait for wait in cycle if wait.cause is Cause.INPUT and isinstance(wait.who, InputsCore)]
        more += [wait.count + 1 for wait in inputs]
    return max(more)


def has_bound(inbox: Inbox[Any] | None) -> bool:
    """Whether a target has a capacity that can be raised."""
    return inbox is not None and inbox.capacity < UNBOUNDED


# A dead end


def about_dead_end(wait: Wait) -> Iterator[str]:
    """Yield advice about a wait that nothing will end."""
    who, inbox = wait.who, wait.inbox
    if wait.cause is Cause.DECLINED:
        yield about_declined(wait)
    elif wait.cause is Cause.PAUSED:
        yield f"call resume() of {who}, or of the network"
    elif wait.cause is Cause.ADRIFT:
        yield f"link {wait.remedy} to the network, or name it in inputs= or outputs= of the agents that use it"
    elif wait.cause is Cause.CLOSED and inbox is not None:
        yield from about_complete(who, inbox)
    elif wait.cause is Cause.UNLINKED:
        yield f"link a target to {who}, or receive from it in the body"
    elif wait.cause is Cause.LEFT:
        yield f"let {wait.remedy} read {who} to the end (async for), or link a target to it"
    elif wait.cause is Cause.KEPT and inbox is not None:
        room = len(inbox.queue) + waiting_before(inbox)
        yield f"receive from {who} in the body, or raise its capacity to at least {room}"
    elif wait.cause is Cause.NO_PARTNER:
        yield f"give every input of {who} as many messages, or join without greedy=True and receive what is left"
    elif wait.cause is Cause.NO_INPUT:
        yield f"link a source to {who}, or complete it"
    elif wait.cause is Cause.RESERVED:
        yield f"consume or release the head of {who}, which {wait.remedy} has reserved"
    elif wait.cause is Cause.HANDLE:
        yield f"close the producer handle {wait.remedy!r} of {inbox}"
    else:
        yield f"{wait.why}: {wait.remedy}"


def about_declined(wait: Wait) -> str:
    """Return advice about a head that nothing takes."""
    if wait.inbox is None:
        return f"receive from {wait.remedy} without a filter"
    if wait.remedy == DEAD_LETTERS:
        return f"let {wait.inbox} take every dead letter of {wait.who}"
    return f"give {wait.who} a last link without a filter, for what the others decline, or drop that in a Filter"


def about_complete(who: object, inbox: Inbox[Any]) -> Iterator[str]:
    """Yield advice about messages for a target that is complete."""
    if narrow(InputsCore, inbox.block) is not None:
        yield f"give every input of {inbox.block} as many messages, or receive what is left from {who}"
    else:
        yield f"link another target to {who}, or complete {inbox} only after all its messages have come"
