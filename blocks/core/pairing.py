"""Keeps the inputs of a join by position in step, so that only messages that belong together are paired.

This concerns inputs that get copies of the same messages from a broadcast. If a message is lost on one path, its copies
on the other paths are discarded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .branch import Branch
from .forks import Group, find_groups
from .listening import Listening
from .numbering import Alignment

if TYPE_CHECKING:
    from .block_core import BlockCore
    from .input_port import InputPort

NO_PARTNER = "no partner"
REMEDY = "give it key=, a function that tells which messages belong together"


class InStep:
    """Keeps in step the inputs that get copies of the same messages.

    Args:
        join: The block with the inputs.
        inputs: The inputs of the join.
        discard: Called with a message that has no partner.
        lose: Called with the number of a tuple that will not go out.
        wake: Called when a loss or a problem was reported.
    """

    def __init__(
        self,
        join: BlockCore,
        inputs: list[InputPort[Any]],
        discard: Callable[[Any], None],
        lose: Callable[[int], None],
        wake: Callable[[], None],
    ) -> None:
        self.join = join
        self._inputs = inputs
        self._discard = discard
        self._lose = lose
        self._wake = wake
        self._alignments: dict[Alignment, BlockCore] = {}  # each with its broadcast
        self._listening = Listening(wake)
        self._has_begun = False
        self.is_stale: bool = False

    def problems(self) -> Iterator[str]:
        """The reasons why the join cannot know which messages belong together."""
        try:
            groups = list(find_groups(self.join))
        except ValueError as error:
            yield f"{self.join} pairs messages by position, and {error}: {REMEDY}"
            return
        for group in groups:
            if reasons := group.obstacles():
                yield (
                    f"{self.join} pairs messages of {group.fork} by position, but cannot know which of them belong "
                    f"together: {'; '.join(reasons)}. To pair them safely, {REMEDY}"
                )

    def fork(self) -> BlockCore | None:
        """The broadcast that alone feeds all inputs, or None."""
        found = self._listening.look(self._groups) or ()
        groups = [group for group in found if len(group.inputs) == len(self._inputs)]
        return groups[0].fork if groups and not groups[0].obstacles() else None

    def _groups(self) -> list[Group]:
        try:
            return list(find_groups(self.join))
        except ValueError:
            return []

    def set_up(self) -> None:
        """Find the paths that lead to the inputs now, and listen for losses on them.

        Raises:
            ValueError: The join cannot know which messages belong together.
        """
        self.is_stale = False
        for problem in self.problems():
            raise ValueError(problem)
        groups = self._groups()
        if self._has_begun and groups:
            self._listening.break_off("an input was linked after messages were paired")
            return
        self._forget()
        for group in groups:
            if any(block.has_lost() for way in group.ways for block, _ in way.stages[1:]):
                raise ValueError(
                    f"{self.join} was linked while messages of {group.fork} were lost on their way to it, and cannot "
                    f"know which of them belong together: {REMEDY}"
                )
            self._listen(group)

    def _forget(self) -> None:
        self._listening.forget()
        self._alignments.clear()

    def _listen(self, group: Group) -> None:
        alignment = Alignment(group.inputs, (1 for _ in group.inputs))
        for index, way in zip(group.inputs, group.ways, strict=True):
            hears, breaks = partial(self._hear, alignment, index), self._listening.break_off
            branch = Branch(way.stages, hears, breaks, lambda: alignment.next)
            alignment.first[index] = branch.first
            self._listening.along(way.stages, branch)
        self._alignments[alignment] = group.fork

    def _hear(self, alignment: Alignment, index: int, number: int) -> None:
        alignment.lose(index, number)
        self._wake()

    # Pairing

    @property
    def is_ready(self) -> bool:
        """Whether the heads of all inputs belong together, if every input has one."""
        if self._listening.broken_off is not None or self.is_stale:
            return False
        return not self._alignments or not any(alignment.is_broken for alignment in self._alignments)

    def paired(self, count: int = 1) -> None:
        """Note that the heads of all inputs were taken `count` times."""
        self._has_begun = True
        for alignment in self._alignments:
            alignment.step(count)

    def longest(self, count: int) -> int:
        """Return how many heads in a row belong together, up to `count`."""
        for alignment in self._alignments:
            count = min(count, alignment.unbroken(count))
        return count

    def weed(self) -> bool:
        """Discard heads without a partner; return whether the inputs have advanced to a later number.

        Raises:
            ValueError: An event on the paths has made the numbers unknown.
        """
        if self._listening.broken_off is not None:
            raise ValueError(
                f"{self.join} pairs messages by position, and cannot know any more which belong together: "
                f"{self._listening.broken_off}. To pair them safely, {REMEDY}"
            )
        before = [alignment.next for alignment in self._alignments]
        for alignment in self._alignments:
            self._weed(alignment)
        return before != [alignment.next for alignment in self._alignments]

    def _weed(self, alignment: Alignment) -> None:
        for index in alignment.inputs:
            if self._inputs[index].is_exhausted:
                alignment.end(index)
        while alignment.is_broken and not alignment.is_over:
            for index in alignment.owing():
                if not self._inputs[index].has_message():
                    if self._inputs[index].is_exhausted:
                        alignment.end(index)
                    continue
                self._has_begun = True
                self._discard(self._inputs[index].take())
                alignment.discarded(index)
            if alignment.owing():
                return
            self._lose(alignment.step())

    @property
    def is_left_early(self) -> bool:
        """Whether the path to an input has ended before its broadcast, so that no tuple can come any more."""
        return any(
            alignment.has_ended and not all(inbox.closed for inbox in fork.inboxes())
            for alignment, fork in self._alignments.items()
        )

    def is_over(self, exhausted: set[int]) -> bool:
        """Whether no tuple can come any more when these inputs are exhausted."""
        kept = {index for alignment in self._alignments for index in alignment.inputs}
        return any(index not in kept for index in exhausted) or any(
            all(index in exhausted for index in alignment.inputs) for alignment in self._alignments
        )
