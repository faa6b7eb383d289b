"""Exercise 10: checks that results of the same item meet, whatever is lost on the way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from types import ModuleType

from penstock.blocks import Network, Stalled
from penstock.samples.workshop.laws import Refused, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "A → `Broadcast()` → B and C. The broadcast has two links.",
    "`Join(left, right)` has both transformers as sources; link it to D.",
    '`Transformer(…, on_error="skip")` for A, B and C. The join hears of losses, and keeps the paths in step.',
)
ERRORS: dict[type[BaseException], str] = {
    Stalled: "The end of the report says where it hangs. Does everything flow from the broadcast to D?",
    LookupError: 'An item for which a function raises is left out: `on_error="skip"`. The note names the block.',
    ValueError: "The join must know which messages belong together. Keep the order, and one message per message.",
    TypeError: "`d` gets one tuple: `(b(x), c(x))`. Is the join linked to it?",
}


SECONDS = 15.0


class Calls:
    """Four functions that note their calls; some items are lost in them.

    Args:
        lost: for "a", "b" and "c", the items for which the function raises.
    """

    def __init__(self, lost: dict[str, set[int]]) -> None:
        self.lost = lost
        self.counts: Counter[str] = Counter()
        self.got: list[tuple[int, int]] = []

    def function(self, name: str, factor: int) -> Callable[[int], int]:
        """Return the function of a name."""

        def call(item: int) -> int:
            self.counts[name] += 1
            if item % 1000 in self.lost[name]:
                raise LookupError(f"no {name} for {item}")
            return item + factor

        return call

    def take(self, pair: tuple[int, int]) -> None:
        """Note what d gets."""
        b, c = pair
        self.got.append((b, c))


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "make_network")
    dice = random.Random(10)
    nothing: dict[str, set[int]] = {"a": set(), "b": set(), "c": set()}
    _check_run(answer, 10, nothing)
    for _ in range(25):
        count = dice.randrange(1, 40)
        share = dice.choice((0.1, 0.5, 0.9))
        _check_run(answer, count, {name: {n for n in range(count) if dice.random() < share} for name in "abc"})
    return "in 26 runs with losses, every pair was of one item"


def _check_run(answer: ModuleType, count: int, lost: dict[str, set[int]]) -> None:
    calls = Calls(lost)

    async def main() -> Network:
        functions = [calls.function("a", 1000), calls.function("b", 10_000), calls.function("c", 20_000)]
        network: Network = answer.make_network(range(count), *functions, calls.take)
        async with network:
            pass
        return network

    network = run(main, answer=answer, hints=ERRORS, within=SECONDS, real_time=True)  # threads may be used
    due = [(n + 11_000, n + 21_000) for n in range(count) if not any(n in items for items in lost.values())]
    if calls.got != due:
        raise Refused(
            "`d` gets the tuple of every item for which a, b and c have a result, in order, and no other",
            f"of {count} items, {len(due)} have all results; `d` got {len(calls.got)}: {calls.got[:3]} …",
            _why(calls, due),
        )
    alive = count - len(lost["a"])
    require(
        (calls.counts["a"], calls.counts["b"], calls.counts["c"]) == (count, alive, alive),
        "a is called once per item, and b and c once per result of a",
        f"{count} items: {dict(calls.counts)}",
        "One block for each function: A once before the fork, B and C once behind it.",
    )
    require(
        network.balance().ok, "the balance adds up", str(network.balance()), "Something takes items away. What is it?"
    )


def _why(calls: Calls, due: list[tuple[int, int]]) -> str:
    pairs = calls.got
    if pairs and all(first > second for first, second in pairs):
        return "The two results are the wrong way round: the first source of the join should be B."
    if any(second - first != 10_000 for first, second in pairs):
        return "Results of different items have met. One join behind one broadcast keeps them together."
    if sorted(pairs) == sorted(due):
        return "The tuples are right, but not in order."
    if calls.counts["b"] + calls.counts["c"] <= calls.counts["a"]:
        return "Each result of A went to B or to C. A broadcast gives it to both."
    return "Items are missing. Is there a policy or a filter that takes more than what raises?"
