"""Decides for many messages at once along which link each goes, if links or targets have filters.

Plain code without trio. A message goes to the first link that accepts it, as if it were offered alone: the filters are
called in link order, once per message. A run of decisions ends before the first message that no link takes, that a full
link might take, or whose filters have changed the links or a target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from ..base.callables import truth
from .link import Link

T = TypeVar("T")


class Watched(Protocol):
    """The outbox of the messages.

    Attributes:
        generation: Counts up when its links or their targets change.
    """

    generation: int


class Route(Generic[T]):
    """A link that takes many messages at once.

    Attributes:
        link: The link.
        accepts: Whether the link and its target want a message; None if they want every message.
        room: How many more messages the target takes.
        run: The messages that will go along the link.
    """

    __slots__ = ("accepts", "link", "room", "run")

    def __init__(self, link: Link[T]) -> None:
        self.link: Link[T] = link
        self.accepts: Callable[[T], object] | None = accepts_of(link)
        self.room: int = link.inbox.room_for(link)
        self.run: list[T] = []

    @property
    def is_open(self) -> bool:
        """Whether the target still takes the run, after the filters were called."""
        inbox = self.link.inbox
        is_over = inbox.closed and (inbox.block.finished or inbox.block.broken is not None)
        return not self.run or not (is_over or len(self.run) > inbox.room_for(self.link))

    @property
    def who(self) -> object:
        """The object that has the filter: the link or the target."""
        return self.link.inbox if self.link.filter is None else f"link {self.link}"


def routes_of(links: Iterable[Link[T]]) -> list[Route[T]]:
    """The routes along some links; none if a link takes messages only one by one."""
    routes: list[Route[T]] = []
    for link in links:
        inbox = link.inbox
        if link.remaining is not None or not inbox.takes_runs or inbox.is_gated(link):
            return []
        if not inbox.closed:
            routes.append(Route(link))
    return routes


def accepts_of(link: Link[T]) -> Callable[[T], object] | None:
    """Whether a link and its target want a message, as one function; None if they want every message."""
    first, second = link.filter, link.inbox.filter
    if first is None or second is None:
        return first or second
    return link.wants


def decide(routes: Sequence[Route[T]], items: list[T], outbox: Watched) -> tuple[bool, Exception | None]:
    """Put messages into the runs of the routes, from the first message on.

    Returns:
        Whether every route has declined the first message that is in no run; and the error of a filter.
    """
    seen = outbox.generation
    try:
        if len(routes) == 1 and routes[0].accepts is not None:
            is_declined = decide_alone(routes[0], routes[0].accepts, items, outbox)
        else:
            is_declined = decide_among(routes, items, outbox)
    except Exception as error:
        return False, error
    return is_declined and outbox.generation == seen, None


def decide_alone(route: Route[T], accepts: Callable[[T], object], items: list[T], outbox: Watched) -> bool:
    """Put messages into the run of the only route, which has room for all; return whether it has declined the next."""
    seen, count = outbox.generation, 0
    try:
        for item in items:
            answer = accepts(item)
            if answer is not True and (answer is False or not truth(route.who, answer)):
                return True
            if outbox.generation != seen:
                return False
            count += 1
        return False
    finally:
        route.run = items if count == len(items) else items[:count]


def decide_among(routes: Sequence[Route[T]], items: list[T], outbox: Watched) -> bool:
    """Put messages into the runs of some routes; return whether every route has declined the next one."""
    seen = outbox.generation
    for item in items:
        for route in routes:
            if route.room < 1:
                return False
            accepts = route.accepts
            if accepts is None:
                break
            answer = accepts(item)
            if answer is True or (answer is not False and truth(route.who, answer)):
                break
        else:
            return True
        if outbox.generation != seen:
            return False
        route.run.append(item)
        route.room -= 1
    return False
