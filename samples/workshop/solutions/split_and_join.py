"""Exercise 10: A → (B, C) → D, with losses."""

from collections.abc import Callable, Iterable

import trio

from penstock.blocks import Broadcast, Call, IterableSource, Join, Network, Transformer


def make_network(
    items: Iterable[int],
    a: Callable[[int], int],
    b: Callable[[int], int],
    c: Callable[[int], int],
    d: Callable[[tuple[int, int]], None],
) -> Network:
    """Calls a with each item, b and c with each result of a, and d with both results. What raises is left out."""
    source = IterableSource(items, name="items")
    first = Transformer(a, on_error="skip", name="A")
    both = Broadcast[int](name="both")
    left = Transformer(b, on_error="skip", name="B")
    right = Transformer(c, on_error="skip", name="C")
    pairs = Join(left, right, name="pairs")
    last = Call(d, name="D")
    source.link_target(first)
    first.link_target(both)
    both.link_target(left)
    both.link_target(right)
    pairs.link_target(last)
    return Network(source)


def price(item: int) -> int:
    """Stands for a question to a shop, which does not know item 3."""
    if item == 3:
        raise LookupError("no price")
    return 100 + item


def weight(item: int) -> int:
    """Stands for a question to another shop, which does not know item 5."""
    if item == 5:
        raise LookupError("no weight")
    return 200 + item


async def main() -> None:
    """Prints the pairs of a few items, and the balance."""
    network = make_network(range(1, 8), abs, price, weight, print)
    async with network:
        pass
    print(network.balance())


if __name__ == "__main__":
    trio.run(main)
