"""Exercise 4: make it hang on purpose, and write down which part waits for which."""

import trio

from penstock.blocks import Batch, BoundedBuffer, Broadcast, Call, Join, Network, TransformMany

# The fork waits for room in the narrow buffer, which waits for room in the join, which waits for what the batch holds,
# and the batch waits for more from the fork.
CIRCLE = ("fork", "narrow", "pairs", "six")

ROOM = 2


async def main() -> None:
    """Sends numbers along two paths that meet again; one path makes groups of six."""
    fork = Broadcast[int](name="fork")
    narrow = BoundedBuffer[int](ROOM, name="narrow")
    six = Batch[int](6, name="six")
    unpack = TransformMany[list[int], int](list, name="unpack")
    fork.link_target(narrow)
    fork.link_target(six)
    six.link_target(unpack)
    pairs = Join(narrow, unpack, key=int, capacity=1, name="pairs")
    pairs.link_target(Call(print, name="show"))
    async with Network(fork, name="two paths"):
        for number in range(12):
            await fork.send(number)


if __name__ == "__main__":
    trio.run(main)
