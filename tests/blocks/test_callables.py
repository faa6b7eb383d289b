"""Functions that have not run when they were called: refused beforehand where it can be seen, else afterwards."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
import trio

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    Buffer,
    Call,
    Filter,
    IterableSource,
    Network,
    OverwriteBuffer,
    Retry,
    Shutdown,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.callables import is_async, is_async_generator, is_generator, is_plain, let_go
from tests.blocks.tools import contents, faults, linked, notes, run


def plain(*_: Any) -> int:
    return 1


def generate(*_: Any) -> Iterator[int]:
    yield 1


async def generate_async(*_: Any) -> AsyncIterator[int]:
    yield 1


async def wait(*_: Any) -> int:
    return 1


class Plain:
    def __call__(self, *_: Any) -> int:
        return 1

    def method(self, *_: Any) -> int:
        return 1


class Generate:
    def __call__(self, *_: Any) -> Iterator[int]:
        yield 1

    def method(self, *_: Any) -> Iterator[int]:
        yield 1

    @staticmethod
    def static(*_: Any) -> Iterator[int]:
        yield 1

    @classmethod
    def of_class(cls, *_: Any) -> Iterator[int]:
        yield 1


class GenerateAsync:
    async def __call__(self, *_: Any) -> AsyncIterator[int]:
        yield 1

    async def method(self, *_: Any) -> AsyncIterator[int]:
        yield 1


class Wait:
    async def __call__(self, *_: Any) -> int:
        return 1

    async def method(self, *_: Any) -> int:
        return 1


def shapes(function: Callable[..., Any], kind: type) -> list[Any]:
    """The same function in every shape that a callable has, as far as it can be seen through."""
    made = kind()
    return [
        function,
        functools.partial(function, 0),
        functools.partial(functools.partial(function, 0), 1),
        made,
        made.method,
        functools.partial(made, 0),
        functools.partial(made.method, 0),
        staticmethod(function),
    ]


CLASSES: list[Any] = [str, Plain, Wait, Generate]
OTHERS: list[Any] = [print, "text".join, functools.cache(plain), lambda item: item]  # pyright: ignore[reportUnknownLambdaType]
PLAIN = [*shapes(plain, Plain), *CLASSES, *OTHERS]
GENERATORS: list[Any] = [*shapes(generate, Generate), Generate.static, Generate.of_class, Generate().of_class]
ASYNC_GENERATORS = shapes(generate_async, GenerateAsync)
ASYNC = shapes(wait, Wait)
NOT_PLAIN = [*GENERATORS, *ASYNC_GENERATORS, *ASYNC]


# What can be seen


@pytest.mark.parametrize("function", PLAIN)
def test_a_function_that_runs_when_it_is_called_is_plain(function: Callable[..., Any]) -> None:
    assert is_plain(function)


@pytest.mark.parametrize("function", GENERATORS)
def test_a_generator_function_is_seen_in_every_shape(function: Callable[..., Any]) -> None:
    assert (is_generator(function), is_async(function), is_async_generator(function)) == (True, False, False)
    assert not is_plain(function)


@pytest.mark.parametrize("function", ASYNC_GENERATORS)
def test_an_asynchronous_generator_function_is_seen_in_every_shape(function: Callable[..., Any]) -> None:
    assert (is_generator(function), is_async(function), is_async_generator(function)) == (False, False, True)
    assert not is_plain(function)


@pytest.mark.parametrize("function", ASYNC)
def test_an_async_function_is_seen_in_every_shape(function: Callable[..., Any]) -> None:
    assert (is_generator(function), is_async(function), is_async_generator(function)) == (False, True, False)
    assert not is_plain(function)


def test_a_callable_that_leads_back_to_itself_is_looked_into_only_so_far() -> None:
    class Circle:
        @property
        def __call__(self) -> Callable[[], object]:
            return functools.partial(cast("Callable[[], object]", self))

    assert is_plain(cast("Callable[[], object]", Circle()))


def test_a_future_that_is_not_used_is_its_owners_to_close() -> None:
    class Future:
        closed = 0

        def set_result(self) -> None: ...

        def close(self) -> None:
            self.closed += 1

    future = Future()
    assert let_go(future) == "something to await (Future)"
    assert future.closed == 0


# Generator functions


@pytest.mark.parametrize("block", [Call, Transformer])
@pytest.mark.parametrize("function", [*GENERATORS, *ASYNC_GENERATORS])
def test_a_generator_function_is_refused_and_the_block_for_it_named(block: Any, function: Any) -> None:
    for options in ({}, {"executor": Threads(1)}, {"on_error": "skip"}, {"time_limit": 1.0}):
        with pytest.raises(TypeError, match=r"'b': the function is a generator function.*TransformMany"):
            block(function, name="b", **options)


@pytest.mark.parametrize("function", [*GENERATORS, *ASYNC_GENERATORS, *ASYNC])
def test_one_to_many_takes_every_shape_of_them(function: Any) -> None:
    assert TransformMany(function, name="b").name == "b"


@pytest.mark.parametrize("function", [Generate(), functools.partial(generate, 0), Generate().method])
async def test_one_to_many_hands_on_what_a_generator_in_any_shape_yields(function: Any) -> None:
    block: TransformMany[int, int] = TransformMany(function)
    collector = linked(block)
    await run(block, [1, 2])
    assert contents(collector) == [1, 1]


@pytest.mark.parametrize("function", [Wait(), functools.partial(Wait(), 0), Wait().method])
async def test_an_async_function_in_any_shape_is_awaited(function: Any) -> None:
    block: Transformer[int, int] = Transformer(function, concurrency=2)
    collector = linked(block)
    await run(block, [1, 2])
    assert contents(collector) == [1, 1]


async def wait_and_generate(item: int) -> Any:
    await trio.lowlevel.checkpoint()
    return generate(item)


async def wait_and_forget(item: int) -> Any:
    await trio.lowlevel.checkpoint()
    return wait(item)


RESULTS: dict[str, Callable[[Any], Any]] = {
    "a generator": lambda item: generate(item),
    "an asynchronous generator": lambda item: generate_async(item),
    "a coroutine": lambda item: wait(item),
}
WHERE: list[dict[str, Any]] = [{}, {"executor": Threads(2)}, {"executor": ThreadPoolExecutor(1)}, {"time_limit": 60.0}]


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("options", WHERE, ids=["inline", "threads", "pool", "limited"])
@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("block", [Call, Transformer])
async def test_a_result_that_has_not_run_is_a_fault_of_its_item(block: Any, result: str, options: Any) -> None:
    made = block(RESULTS[result], name="b", **options)
    if block is Transformer:
        linked(made)
    with faults(TypeError) as found:
        await run(made, [7])
    assert f"'b' returned {result}" in str(found[0])
    assert notes(found[0])[0] == "in b, item 1: 7"


async def test_a_generator_that_is_returned_can_be_skipped_and_is_counted() -> None:
    block: Call[int] = Call(lambda item: generate(item) if item == 1 else None, name="b", on_error="skip")
    network = await run(block, range(3))
    accounts = network.balance()["b"]
    assert (accounts.consumed, accounts.dropped) == (2, {"skipped": 1})


@pytest.mark.parametrize("block", [Call, Transformer])
@pytest.mark.parametrize(
    ("function", "says"),
    [
        (wait_and_generate, "returned a generator, and nothing in it has run"),
        (wait_and_forget, "returned a coroutine; write `return await"),
    ],
)
async def test_an_async_function_that_forgets_to_await_is_a_fault(block: Any, function: Any, says: str) -> None:
    made = block(function, name="b")
    if block is Transformer:
        linked(made)
    with faults(TypeError) as found:
        await run(made, [7])
    assert says in str(found[0])


async def test_one_to_many_says_what_to_do_with_a_lambda_around_an_asynchronous_generator() -> None:
    block: TransformMany[int, int] = TransformMany(lambda item: generate_async(item))
    linked(block)
    with faults(TypeError) as found:
        await run(block, [1])
    assert "pass the asynchronous generator function itself" in str(found[0])


async def test_an_async_one_to_many_function_that_forgets_to_await_is_a_fault() -> None:
    block: TransformMany[int, int] = TransformMany(wait_and_forget)
    linked(block)
    with faults(TypeError) as found:
        await run(block, [1])
    assert "returned a coroutine" in str(found[0])


# Callables that must be plain


BY_FILTER: list[Callable[[Any], Any]] = [
    lambda f: UnboundedBuffer[Any](filter=f),
    lambda f: Call(plain, filter=f),
    lambda f: Transformer(plain, filter=f),
    lambda f: TransformMany(generate, filter=f),
    lambda f: Batch[Any](2, filter=f),
    lambda f: OverwriteBuffer[Any](filter=f),
    lambda f: UnboundedBuffer[Any]().link_target(UnboundedBuffer(), filter=f),
    lambda f: UnboundedBuffer[Any]().receive_nowait(f),
    lambda f: setattr(UnboundedBuffer[Any](), "filter", f),
]


@pytest.mark.parametrize("use", BY_FILTER)
@pytest.mark.parametrize("function", [wait, generate, generate_async, Wait(), functools.partial(generate, 0)])
def test_a_filter_that_would_say_yes_to_everything_is_refused(use: Any, function: Any) -> None:
    with pytest.raises(TypeError, match="filter must be a plain function"):
        use(function)


async def test_receive_refuses_such_a_filter_before_it_waits() -> None:
    with pytest.raises(TypeError, match="unbounded buffer 'b': filter must be a plain function"):
        await UnboundedBuffer[Any](name="b").receive(wait)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("function", NOT_PLAIN)
def test_every_other_callable_that_must_be_plain_is_refused_too(function: Any) -> None:
    uses: list[tuple[str, Callable[[], object]]] = [
        ("key", lambda: SequenceMultiplexer(key=function)),
        ("weight", lambda: PipelineGovernor(10, weight=function)),
        ("backoff", lambda: Retry(1, backoff=function)),
        ("worker_init", lambda: Threads(1, worker_init=function)),
        ("callback", lambda: Shutdown().on_shutdown(function)),
    ]
    for what, use in uses:
        with pytest.raises(TypeError, match=f"{what} must be a plain function"):
            use()


class Promise:
    """Something that can be awaited and is no coroutine."""

    def __await__(self) -> Iterator[Any]:
        yield


ANSWERS: list[Callable[[Any], Any]] = [
    lambda item: wait(item),
    lambda item: generate(item),
    lambda item: generate_async(item),
    lambda item: Promise(),
]
KINDS = ["coroutine", "generator", "asynchronous generator", "something to await"]


@pytest.mark.parametrize(("accepts", "kind"), list(zip(ANSWERS, KINDS, strict=True)), ids=KINDS)
async def test_a_filter_that_gives_something_to_await_is_an_error_that_names_the_object(
    accepts: Any, kind: str
) -> None:
    with pytest.raises(TypeError, match=f"unbounded buffer 'b': filter returned .*{kind}"):
        UnboundedBuffer[int](filter=accepts, name="b").send_nowait(1)
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    source.send_nowait(1)
    with pytest.raises(TypeError, match=f"receive from unbounded buffer 'source': filter returned .*{kind}"):
        source.receive_nowait(accepts)
    with pytest.raises(TypeError, match=f"link source → b: filter returned .*{kind}"):
        source.link_target(UnboundedBuffer(name="b"), filter=accepts)
    assert len(source) == 1


@pytest.mark.parametrize("accepts", ANSWERS, ids=KINDS)
async def test_in_a_network_such_a_link_filter_is_a_fault_and_nothing_goes_along(accepts: Any) -> None:
    source = IterableSource(range(3), name="source")
    target: UnboundedBuffer[int] = UnboundedBuffer(name="target")
    source.link_target(target, filter=accepts)
    with faults(TypeError) as found:
        await run_source(source)
    assert "link source → target: filter returned" in str(found[0])
    assert len(target) == 0


async def run_source(source: IterableSource[int]) -> None:
    async with Network(source):
        pass


async def test_a_receiver_that_waits_with_such_a_filter_gets_the_error_itself() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    async with trio.open_nursery() as nursery:

        async def receive() -> None:
            with pytest.raises(TypeError, match="receive from unbounded buffer 'b': filter returned a coroutine"):
                await buffer.receive(lambda item: wait(item))  # type: ignore[arg-type, return-value]

        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        buffer.send_nowait(1)
    assert contents(buffer) == [1]


async def test_a_value_is_looked_at_with_such_a_filter_only_in_vain() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="b")
    buffer.send_nowait(1)
    with pytest.raises(TypeError, match="filter returned a coroutine"):
        buffer.receive_nowait(lambda item: wait(item))  # type: ignore[arg-type, return-value]


async def test_answers_that_are_no_bool_count_as_they_always_did() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(filter=lambda item: item % 2)  # type: ignore[arg-type, return-value]
    source = IterableSource(range(4))
    source.link_target(buffer, filter=lambda item: [item])  # type: ignore[arg-type, return-value]
    rest = linked(source)
    await run_source(source)
    assert (contents(buffer), contents(rest)) == ([1, 3], [0, 2])


@pytest.mark.parametrize("weight", ANSWERS, ids=KINDS)
async def test_a_weight_that_gives_something_to_await_is_a_fault(weight: Any) -> None:
    first: Transformer[int, int] = Transformer(plain, name="first")
    linked(first)
    governor = PipelineGovernor(10, weight=weight, name="g")
    governor.govern(first, first)
    with pytest.raises(TypeError, match="governor 'g': weight returned"):
        first.send_nowait(1)


@pytest.mark.parametrize("key", ANSWERS, ids=KINDS)
async def test_a_key_that_gives_something_to_await_is_a_fault(key: Any) -> None:
    source = IterableSource([1, 2])
    linked(SequenceMultiplexer(source, key=key, name="m"))
    with faults(TypeError) as found:
        await run_source(source)
    assert "multiplexer 'm': key returned" in str(found[0])


@pytest.mark.parametrize("backoff", ANSWERS, ids=KINDS)
async def test_a_backoff_that_gives_something_to_await_is_a_fault(backoff: Any) -> None:
    def fail(item: int) -> None:
        raise ValueError

    with faults(TypeError) as found:
        await run(Call(fail, on_error=Retry(1, backoff=backoff)), [1])
    assert "Retry: backoff returned" in str(found[0])


@pytest.mark.usefixtures("real_time")
async def test_a_worker_init_that_gives_a_coroutine_is_a_fault() -> None:
    make: Callable[[], Awaitable[int]] = lambda: wait()  # noqa: E731  # it cannot be seen to be async
    with faults(TypeError) as found:
        await run(Call(plain, executor=Threads(1, worker_init=make)), [1])
    assert "worker_init returned a coroutine" in str(found[0])


@pytest.mark.parametrize("callback", ANSWERS[:3], ids=KINDS[:3])
def test_a_callback_of_the_shutdown_that_has_not_run_is_an_error(callback: Any) -> None:
    shutdown = Shutdown("s")
    shutdown.on_shutdown(lambda: callback(0))
    with pytest.raises(ExceptionGroup) as found:
        shutdown.cancel()
    assert "s: callback returned" in str(found.value.exceptions[0])
    with pytest.raises(TypeError, match="s: callback returned"):
        shutdown.on_shutdown(lambda: callback(0))


def test_a_generator_function_instead_of_a_generator_is_an_error_that_says_so() -> None:
    with pytest.raises(TypeError, match="call it, and give what it returns"):
        IterableSource(generate)  # type: ignore[call-overload, unused-ignore, arg-type]  # that is the point


class Sorted(Buffer[int]):
    """A buffer of the user's own, whose filter is guarded as well."""


def test_a_buffer_of_the_users_own_refuses_them_as_well() -> None:
    with pytest.raises(TypeError, match="filter must be a plain function"):
        Sorted(filter=wait)  # type: ignore[arg-type]  # that is the point


# The predicate of a filter


@pytest.mark.parametrize("function", [*GENERATORS, *ASYNC_GENERATORS])
def test_a_filter_block_refuses_a_generator_function(function: Any) -> None:
    with pytest.raises(TypeError, match="a generator function cannot"):
        Filter(function)


async def promise(item: int) -> Promise:
    return Promise()


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("options", WHERE)
@pytest.mark.parametrize("predicate", [*ANSWERS, promise, wait_and_generate])
async def test_a_predicate_that_gives_something_to_await_is_a_fault(predicate: Any, options: Any) -> None:
    if is_async(predicate):
        options = {key: value for key, value in options.items() if key != "executor"}
    block: Filter[int] = Filter(predicate, name="f", **options)
    collector = linked(block)
    with faults(TypeError) as found:
        await run(block, [1])
    assert "returned" in str(found[0])
    assert notes(found[0])[0] == "in f, item 1: 1"
    assert len(collector) == 0
