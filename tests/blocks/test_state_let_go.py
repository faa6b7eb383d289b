"""What a fold has in its state when its network ends, or is stopped, is not kept by the block."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Block, Call, Fold, Network, Regroup, Transformer, TransformMany


class Thing:
    """An item that a state may keep."""


def newest(state: Thing | None, item: Thing) -> Thing:
    del state
    return item


async def newest_later(state: Thing | None, item: Thing) -> Thing:
    await trio.lowlevel.checkpoint()
    return newest(state, item)


def folds(function: Any, running: bool) -> tuple[Any, Block]:
    fold = Fold[Thing, Any](function, None, running=running)
    return fold, fold


def regroups() -> tuple[Any, Block]:
    async def only_things(item: Thing | None) -> Thing:
        return item or await trio.sleep_forever()  # the group does not get complete

    split = TransformMany[Thing, Thing | None](lambda item: [item, None])
    work = Transformer(only_things)
    group = Regroup[Thing, Any](split, newest, None)
    split.link_target(work)
    work.link_target(group)
    return split, group


@pytest.mark.parametrize(
    "make",
    [
        lambda: folds(newest, False),
        lambda: folds(newest, True),
        lambda: folds(newest_later, False),
    ],
    ids=["fold", "running fold", "asynchronous fold"],
)
@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_a_fold_lets_go_of_its_state(make: Callable[[], tuple[Any, Any]], is_cancelled: bool) -> None:
    await check_lets_go(*make(), is_cancelled)


async def test_a_regroup_lets_go_of_the_state_of_a_group_that_is_not_complete() -> None:
    await check_lets_go(*regroups(), True)


async def check_lets_go(first: Any, last: Any, is_cancelled: bool) -> None:
    """Check that a message is let go when the network ends, although the last block is still there."""
    last.link_target(Call(lambda _: None))
    thing = Thing()
    known = weakref.ref(thing)
    async with Network(first) as network:
        await first.send(thing)
        del thing
        await wait_all_tasks_blocked()
        if is_cancelled:
            network.cancel()
    gc.collect()
    assert known() is None
    assert last.name
