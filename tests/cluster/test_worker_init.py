"""The state of the workers of a real cluster, also of those that join later."""

from collections import Counter
from typing import Any

import pytest

from penstock.blocks import Cluster, Transformer
from tests.blocks.tools import contents, faults, linked, notes, run
from tests.cluster import functions

pytest.importorskip("distributed")


async def states(cluster: Cluster, items: int) -> list[tuple[int, int, int]]:
    """What comes of calls that use the state."""
    user = Transformer(functions.use_state, executor=cluster, concurrency=4)
    gather: Transformer[Any, Any] = Transformer(cluster.gather, concurrency=4)
    user.link_target(gather)
    results = linked(gather)
    await run(user, range(items))
    return contents(results)


async def test_each_worker_makes_its_state_once(client: Any) -> None:
    with Cluster(client, worker_init=functions.load) as cluster:
        found = [*await states(cluster, 30), *await states(cluster, 10)]
    assert all(made == used for made, used, _ in found)
    last = Counter[int]()
    for process, _, uses in found:
        last[process] = max(last[process], uses)
    assert sum(last.values()) == 40  # each state has counted all uses in its process


async def test_workers_that_start_anew_make_it_again(client: Any) -> None:
    with Cluster(client, worker_init=functions.load) as cluster:
        before = {process for process, *_ in await states(cluster, 10)}
        client.restart()
        after = {process for process, *_ in await states(cluster, 10)}
    assert before
    assert after
    assert not before & after


async def test_a_failure_of_worker_init_is_a_fault_with_any_policy(client: Any) -> None:
    with Cluster(client, worker_init=functions.broken_load) as cluster:
        user = Transformer(functions.use_state, executor=cluster, on_error="skip")
        linked(user)
        with faults(KeyError) as found:
            await run(user, [1])
    assert any(note.startswith("in worker_init of a Cluster, on the worker tcp://") for note in notes(found[0]))


def test_a_client_as_executor_is_refused_with_what_is_meant(client: Any) -> None:
    with pytest.raises(TypeError, match=r"executor must be client.get_executor\(\) or Cluster\(client\)"):
        Transformer(functions.identity, executor=client)
