"""Exercise 9: cut a chain of steps into stages."""

from collections.abc import Sequence
from itertools import pairwise

import trio
import trio.testing

from penstock.agents import Pipeline
from penstock.samples.workshop.chain_steps import CHAIN, Step, make_step

# The steps take, in this order: open 2, decode 5, turn 1, crop 1, scale 4, sharpen 3, encode 6, write 2.
# For each number of stages: the steps before which the chain is cut, and the time from item to item, in T.
CUTS: dict[int, list[str]] = {
    2: ["sharpen"],  # 13 | 11
    3: ["crop", "encode"],  # 8 | 8 | 8
    4: ["turn", "sharpen", "encode"],  # 7 | 6 | 3 | 8
}
PERIODS: dict[int, float] = {2: 13, 3: 8, 4: 8}


def joined(steps: Sequence[Step]) -> Step:
    """Makes one stage of some steps."""

    async def stage(item: int) -> int:
        for step in steps:
            item = await step(item)
        return item

    return stage


def make_pipeline(steps: Sequence[Step], cuts: Sequence[int]) -> Pipeline[int, int]:
    """Makes a pipeline with one stage more than there are cuts; each is the number of steps before the cut."""
    bounds = [0, *cuts, len(steps)]
    first, *others = [joined(steps[start:end]) for start, end in pairwise(bounds)]
    pipeline = Pipeline(first)
    for stage in others:
        pipeline = pipeline.map(stage)
    return pipeline


async def main() -> None:
    """Runs ten items through each of the pipelines, and prints the time per item."""
    names = list(CHAIN)
    steps = [make_step(seconds) for seconds in CHAIN.values()]
    for stages, cuts in CUTS.items():
        start = trio.current_time()
        await make_pipeline(steps, [names.index(name) for name in cuts]).collect(range(10))
        seconds = trio.current_time() - start
        period = (seconds - sum(CHAIN.values())) / 9
        print(f"{stages} stages: 10 items in {seconds:g} T, so {period:g} T from item to item")


if __name__ == "__main__":
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
