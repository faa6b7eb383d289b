"""Blocks on a cluster that the test works by hand; tests/cluster has the same with a real one."""

import pickle
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from typing import Any, cast

import pytest
import trio

from penstock.blocks import (
    Activity,
    Call,
    Cluster,
    Network,
    Recording,
    RemoteError,
    Transformer,
    TransformMany,
    WorkerDied,
    worker_state,
)
from penstock.blocks.executors.client_futures import take_back
from penstock.blocks.executors.cluster_state import states
from penstock.blocks.executors.cluster_task import Failed, Sealed, Unusable, assemble, check_movable, trusted
from penstock.blocks.executors.remote import ErrorRecord
from tests.blocks.executors import fake_dask
from tests.blocks.executors.fake_dask import Client, ClientExecutor, Future, KilledWorker
from tests.blocks.tools import contents, faults, linked, notes, run

pytestmark = pytest.mark.usefixtures("real_time")
PLUGIN = "penstock.blocks.executors.cluster_plugin"


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """The packages of Dask need not be there for these tests."""
    monkeypatch.setitem(sys.modules, "distributed", fake_dask)
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    sys.modules.pop(PLUGIN, None)  # its base is a class of Dask, or of the fake
    yield
    sys.modules.pop(PLUGIN, None)


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@pytest.fixture
def there(client: Client) -> Cluster:
    return Cluster(client)  # type: ignore[arg-type]  # a fake


Worked = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]


@pytest.fixture
def worked(client: Client) -> Worked:
    """Run something while a worker does each task as it comes."""

    async def work() -> None:
        done = 0
        while True:
            for task in client.tasks[done:]:
                task.run()
                done += 1
            await trio.sleep(0.001)

    async def worked(program: Callable[[], Awaitable[object]]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await program()
            nursery.cancel_scope.cancel()

    return worked


async def submitted(client: Client, number: int) -> list[Future]:
    """Wait until this many tasks were submitted."""
    while len(client.tasks) < number:  # noqa: ASYNC110 - a thread cannot set an event here
        await trio.sleep(0.001)
    return client.tasks


def tenfold(number: int) -> int:
    if number == 2:
        raise ValueError("not two")
    return number * 10


def total(numbers: Any) -> int:
    return numbers if isinstance(numbers, int) else sum(map(total, numbers))


def make_lock(item: object) -> Any:
    del item
    return threading.Lock()


class Awkward(Exception):
    """Cannot be made again from its pickle."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)
        self.two = two


def raise_awkward(item: int) -> None:
    raise Awkward(item, 2)


async def test_blocks_hand_on_futures_and_gather_gives_what_they_stand_for(
    there: Cluster, client: Client, worked: Worked
) -> None:
    first = Transformer(tenfold, executor=there, concurrency=2, name="first")
    second = Transformer(tenfold, executor=there, concurrency=2, name="second")
    messages: Any = []

    async def gather(message: Any) -> Any:
        messages.append(message)
        return await there.gather(message)

    home: Transformer[int, int] = Transformer(gather)
    first.link_target(second)
    second.link_target(home)
    results = linked(home)
    await worked(lambda: run(first, [1, 3, 5]))
    assert contents(results) == [100, 300, 500]
    assert all(type(message) is Future for message in messages)
    names = [task.options["key"].rpartition("-")[0] for task in client.tasks]
    assert sorted(names) == ["first"] * 3 + ["second"] * 3
    assert all(task.options["pure"] is False for task in client.tasks)


async def test_futures_in_containers_are_values_there_and_come_home_in_them(there: Cluster, worked: Worked) -> None:
    block: Transformer[Any, Any] = Transformer(tenfold, executor=there)
    messages: Any = linked(block)
    await worked(lambda: run(block, [1, 3]))
    one, three = contents(messages)
    adder: Transformer[Any, Any] = Transformer(total, executor=there)
    sums: Any = linked(adder)
    await worked(lambda: run(adder, [[one, (three, 5)], [1, 2]]))
    assert [await there.gather(number) for number in contents(sums)] == [45, 3]
    assert await there.gather((one, ["and", three])) == (10, ["and", 30])
    assert await there.gather("nothing there") == "nothing there"


async def test_a_recording_has_their_tasks_from_hand_over_to_result(there: Cluster, worked: Worked) -> None:
    first = Transformer(tenfold, executor=there, concurrency=2, name="first")
    second = Transformer(tenfold, executor=there, concurrency=2, name="second")
    first.link_target(second)
    results: Any = linked(second)
    recording = Recording()
    await worked(lambda: run(first, [1, 3], recording=recording))
    assert [message.value for message in contents(results)] == [100, 300]
    for stage in ("first", "second"):
        spans = [span for span in recording.spans if span.stage == stage and span.activity is Activity.WORK]
        assert sorted((span.item, span.worker) for span in spans) == [(1, stage), (2, stage)]  # either may end first


async def test_a_recording_has_what_failed_there_too(there: Cluster, worked: Worked) -> None:
    recording = Recording()
    await worked(lambda: run(Call(tenfold, executor=there, on_error="skip", name="work"), [2], recording=recording))
    assert [bool(span.error) for span in recording.spans if span.stage == "work" and span.item] == [True]


async def test_an_exception_is_its_items_failure(there: Cluster, worked: Worked) -> None:
    block = Transformer(tenfold, executor=there, on_error="skip")
    messages: Any = linked(block)
    await worked(lambda: run(block, [1, 2, 3]))
    assert [message.value for message in contents(messages)] == [10, 30]
    with faults(ValueError) as found:
        await worked(lambda: run(Call(tenfold, executor=there), [2]))
    assert "it was raised on the worker" in notes(found[0])[0]
    with faults(RemoteError):
        await worked(lambda: run(Call(raise_awkward, executor=there), [2]))


async def test_what_cannot_be_sent_is_its_items_failure(there: Cluster, worked: Worked) -> None:
    for function, items in ((tenfold, [threading.Lock()]), (make_lock, [1])):
        block: Call[Any] = Call(function, executor=there, on_error="skip")
        network = Network(block)

        async def program(network: Network = network, block: Call[Any] = block, items: Any = items) -> None:
            async with network:
                await block.send(items[0])

        await worked(program)
        assert dict(network.balance()[block.name].dropped) == {"skipped": 1}


async def test_an_item_that_loses_its_workers_is_given_up(there: Cluster, client: Client) -> None:
    block = Call(tenfold, executor=there, on_error="skip")
    async with Network(block) as network:
        await block.send(1)
        (task,) = await submitted(client, 1)
        task.fail(KilledWorker("four workers"))
    assert dict(network.balance()["tenfold"].dropped) == {"skipped": 1}
    with pytest.raises(WorkerDied, match="four workers"):
        await there.gather(client.tasks[0])


async def test_work_that_the_cluster_drops_is_a_fault(there: Cluster, client: Client) -> None:
    with faults(BrokenExecutor) as found:
        async with Network(block := Call(tenfold, executor=there, on_error="skip")):
            await block.send(1)
            (task,) = await submitted(client, 1)
            task.end("cancelled")
    assert "loses the scheduler" in str(found[0])


async def test_a_function_that_cannot_be_made_on_the_worker_is_a_fault(
    there: Cluster, client: Client, worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.blocks.executors.cluster_task.opened", Failing(ImportError("no such module")))
    for executor in (there, ClientExecutor(client)):
        with faults(ImportError) as found:
            await worked(lambda executor=executor: run(Call(tenfold, executor=executor, on_error="skip"), [1]))  # type: ignore[misc]
        assert "are its modules installed there?" in notes(found[0])[0]


async def test_with_a_higher_concurrency_more_items_are_there_at_once(there: Cluster, client: Client) -> None:
    async with Network(block := Call(tenfold, executor=there, concurrency=2)) as network:
        for _ in range(5):
            await block.send(1)
        await submitted(client, 2)
        block.concurrency = 4
        await submitted(client, 4)
        network.cancel()
    assert len(client.tasks) == 4


async def test_one_item_of_a_key_is_there_at_a_time(there: Cluster, client: Client) -> None:
    async with Network(block := Call(tenfold, executor=there, concurrency=4, key=lambda number: number % 2)):
        for number in (1, 3, 4):
            await block.send(number)
        await submitted(client, 2)
        client.tasks[0].run()
        await submitted(client, 3)
        for task in client.tasks[1:]:
            task.run()


async def test_a_network_that_stops_takes_its_work_back(there: Cluster, client: Client) -> None:
    async with Network(block := Call(tenfold, executor=there, concurrency=2)) as network:
        for _ in range(5):
            await block.send(1)
        await submitted(client, 2)
        network.cancel()
    assert network.balance()["tenfold"].discarded == 5
    while [task.status for task in client.tasks] != ["cancelled"] * 2:  # noqa: ASYNC110 - on another loop
        await trio.sleep(0.001)


async def test_a_client_that_was_closed_has_nothing_to_take_back(there: Cluster, client: Client) -> None:
    future = client.submit(tenfold, 1)
    client.close()
    take_back(client, [future])
    with pytest.raises(RuntimeError, match="closed"):
        await there.gather(future)
    with faults(RuntimeError) as found:
        await run(Call(tenfold, executor=there), [1])
    assert "block 'tenfold'" in str(found[0])


class Failing:
    """Raises when it is called."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, *_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError("broken pipe"), BrokenExecutor),
        (CancelledError(), BrokenExecutor),
        (pickle.UnpicklingError("odd"), pickle.UnpicklingError),
    ],
)
async def test_a_gather_that_fails_on_its_way(
    there: Cluster, client: Client, error: Exception, raised: type[Exception]
) -> None:
    future = client.submit(tenfold, 1)
    future.run()
    client.fetched = Failing(error)
    with pytest.raises(raised):
        await there.gather(future)


async def test_what_was_lost_on_its_way_home_and_failed_when_it_was_done_again(there: Cluster, client: Client) -> None:
    future = client.submit(tenfold, 1)
    future.run()

    def lose(futures: list[Future]) -> None:
        futures[0].fail(KilledWorker("four workers"))
        raise OSError("no such worker")

    client.fetched = lose
    with pytest.raises(WorkerDied):
        await there.gather(future)


async def test_a_gather_raises_what_the_function_has_raised(there: Cluster, worked: Worked, client: Client) -> None:
    block = Call(tenfold, executor=there, on_error="skip")
    await worked(lambda: run(block, [2]))
    with pytest.raises(ValueError, match="not two"):
        await there.gather(client.tasks[0])


async def test_a_gather_that_is_cancelled_leaves_the_future_alone(there: Cluster, client: Client) -> None:
    future = client.submit(tenfold, 1)
    with trio.move_on_after(0.01):
        await there.gather(future)
    future.run()
    value: object = await there.gather(future)
    assert value == 10


async def test_it_is_an_ordinary_executor_too(there: Cluster, client: Client, worked: Worked) -> None:
    one, two = there.submit(tenfold, 1), there.submit(tenfold, 2)
    for task in client.tasks:
        task.run()
    assert one.result(60) == 10
    assert isinstance(two.exception(60), ValueError)
    never = there.submit(tenfold, 3)
    there.shutdown(cancel_futures=True)
    assert never.cancelled()
    there.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="takes no more work"):
        there.submit(tenfold, 3)
    assert repr(there).startswith("<Cluster, shut down, <")
    with faults(RuntimeError):
        await run(Call(tenfold, executor=there), [1])


async def test_the_executor_of_a_client_is_used_without_its_futures(client: Client, worked: Worked) -> None:
    block = Transformer(tenfold, executor=ClientExecutor(client, workers=["one"]), concurrency=2)
    results = linked(block)
    await worked(lambda: run(block, [1, 3, 1]))
    assert contents(results) == [10, 30, 10]
    assert all(task.options == {"pure": False, "workers": ["one"]} for task in client.tasks)


async def test_the_executor_of_a_client_knows_what_is_under_way(client: Client) -> None:
    executor = ClientExecutor(client)
    async with Network(block := Call(tenfold, executor=executor)) as network:
        await block.send(1)
        (task,) = await submitted(client, 1)
        assert executor._futures == {task}
        network.cancel()
    while not task.done():  # noqa: ASYNC110 - on another loop
        await trio.sleep(0.001)
    assert task.status == "cancelled"
    executor._shutdown = True
    with faults(RuntimeError) as found:
        await run(Call(tenfold, executor=executor), [1])
    assert "takes no more work" in str(found[0])


async def test_an_item_that_loses_its_workers_there_is_given_up_too(client: Client) -> None:
    block = Call(tenfold, executor=ClientExecutor(client), on_error="skip")
    async with Network(block) as network:
        await block.send(1)
        (task,) = await submitted(client, 1)
        task.fail(KilledWorker("four workers"))
    assert dict(network.balance()["tenfold"].dropped) == {"skipped": 1}


def test_what_a_cluster_cannot_do_is_refused_at_once(there: Cluster) -> None:
    with pytest.raises(TypeError, match=r"call 'acquire': .* cannot be pickled"):
        Call(threading.Lock().acquire, executor=there)
    with pytest.raises(TypeError, match="a Cluster does not run the function of a TransformMany"):
        TransformMany(range, executor=there)


def test_a_cluster_needs_a_client_that_is_not_asynchronous() -> None:
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client that is not asynchronous, got None"):
        Cluster(None)  # type: ignore[arg-type]  # that is what is tested
    client = Client(asynchronous=True)
    with pytest.raises(TypeError, match="that is not asynchronous"):
        Cluster(client)  # type: ignore[arg-type]  # a fake
    client.close()


def test_an_item_that_cannot_be_unpickled_on_the_worker_is_its_own_failure() -> None:
    with pytest.raises(pickle.UnpicklingError) as caught:
        assemble(0, [Sealed(b"odd")])
    assert notes(caught.value) == ["the item could not be unpickled on the worker"]


class Slow:
    """Takes long to pickle; the second time it cannot be pickled."""

    pickled = 0

    def __reduce__(self) -> tuple[Any, ...]:
        Slow.pickled += 1
        threading.Event().wait(0.002)
        return Slow, ()


def test_what_takes_long_to_pickle_is_tried_once() -> None:
    for _ in range(3):
        check_movable(Slow())
    assert Slow.pickled == 1
    trusted.discard(Slow)


def test_what_a_worker_raises_can_be_read_in_its_log() -> None:
    record = ErrorRecord.of(ValueError("bad"))
    assert repr(Failed(record)) == str(Unusable(record)) == "ValueError: bad"


def test_what_runs_on_a_worker_cannot_be_ended(there: Cluster) -> None:
    assert not there.open_lane("block", 1, cast("Any", None)).abandon()


# The state of workers


def load() -> list[str]:
    return ["model"]


def use(item: int) -> tuple[int, str, int]:
    """The item, the state, and which object it is."""
    return item, worker_state()[0], id(worker_state())


def broken_load() -> Any:
    raise KeyError("model")


async def test_functions_have_the_state_of_their_worker(client: Client, worked: Worked) -> None:
    there = Cluster(client, worker_init=load)  # type: ignore[arg-type]  # a fake
    user: Transformer[int, Any] = Transformer(use, executor=there, concurrency=2)
    gather: Transformer[Any, Any] = Transformer(there.gather)
    user.link_target(gather)
    results = linked(gather)
    await worked(lambda: run(user, range(3)))
    found = contents(results)
    assert [(item, state) for item, state, _ in found] == [(n, "model") for n in range(3)]
    assert len({number for *_, number in found}) == 1
    with pytest.raises(RuntimeError, match="outside a worker that has a state"):
        worker_state()


def test_so_has_a_submitted_call_until_the_shutdown(client: Client) -> None:
    with Cluster(client, worker_init=load) as there:  # type: ignore[arg-type]  # a fake
        future = there.submit(use, 1)
        client.tasks[0].run()
        assert future.result(60)[:2] == (1, "model")
        assert len(client.plugins) == 1
    assert client.plugins == {}
    there.shutdown()
    client.tasks[0].status = "pending"
    client.tasks[0].run()
    assert "this worker does not have the worker_init" in str(client.tasks[0].error)


def test_if_the_client_is_closed_nothing_is_taken_back(client: Client) -> None:
    there = Cluster(client, worker_init=load)  # type: ignore[arg-type]  # a fake
    client.close()
    there.shutdown()
    assert len(client.plugins) == 1


@pytest.mark.parametrize("policy", ["fail", "skip"])
async def test_what_worker_init_raises_on_the_cluster_is_a_fault(client: Client, worked: Worked, policy: Any) -> None:
    there = Cluster(client, worker_init=broken_load)  # type: ignore[arg-type]  # a fake
    user: Transformer[int, Any] = Transformer(use, executor=there, on_error=policy)
    linked(user)
    with faults(KeyError) as found:
        await worked(lambda: run(user, [1]))
    assert any(note.startswith("in worker_init of a Cluster, on ") for note in notes(found[0]))


@pytest.mark.parametrize(("wrong", "message"), [(3, "must be a function"), (threading.Lock().acquire, "be pickled")])
def test_a_worker_init_that_cannot_be_called_or_sent_is_refused(client: Client, wrong: Any, message: str) -> None:
    with pytest.raises(TypeError, match=rf"^Cluster: worker_init.*{message}"):
        Cluster(client, worker_init=wrong)  # type: ignore[arg-type]  # a fake
    assert client.plugins == {}


def test_a_plugin_that_never_came_is_no_error_at_its_end() -> None:
    states.end("unknown")
