"""What is known about a network that does not move: where items are held, which part waits for which, what to do."""

from __future__ import annotations

import attrs


@attrs.frozen
class Diagnosis:
    """A picture of a network at one moment.

    Attributes:
        network: The name of the network.
        held: A line for each block that holds items, with what they wait for.
        waiting: A line for each task that waits at a block of the network.
        unfinished: The names of blocks and agents that are not done.
        cycle: The waits of a circle, in order; empty if there is no circle, or if something outside can break it.
        advice: What would free the network; empty while it can still move by itself.
    """

    network: str
    held: tuple[str, ...]
    waiting: tuple[str, ...]
    unfinished: tuple[str, ...]
    cycle: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"network {self.network!r}"]
        for title, entries in (
            ("holds items", self.held),
            ("waits", self.waiting),
            ("in a circle", self.cycle),
            ("not done", self.unfinished),
            ("what would free it", self.advice),
        ):
            if entries:
                lines.append(f"  {title}:")
                lines += [f"    {entry}" for entry in entries]
        if len(lines) == 1:
            lines.append("  nothing is held and nothing waits")
        return "\n".join(lines)
