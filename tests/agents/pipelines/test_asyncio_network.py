"""Networks in programs of asyncio, and a web server with one."""

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
import trio

from penstock.agents import AsyncioNetwork, Pipeline, Service, asyncio_function
from penstock.agents.pipelines.portal import portal_here
from penstock.blocks import BoundedBuffer, Call, Transformer, UnboundedBuffer
from tests.agents.pipelines.recipes import comes_true, invert, same
from tests.agents.pipelines.test_asyncio import run


def make(function: Callable[[Any], Any] = same, **options: Any) -> tuple[Transformer[Any, Any], UnboundedBuffer[Any]]:
    work: Transformer[Any, Any] = Transformer(function, name="work", **options)
    results: UnboundedBuffer[Any] = UnboundedBuffer(name="results")
    work.link_target(results)
    return work, results


def test_items_go_in_and_come_out_and_leaving_drains_the_network() -> None:
    async def main() -> list[Any]:
        work, results = make()
        async with AsyncioNetwork(work, name="service") as network:
            for n in range(5):
                await network.send(work, n)
            got = [await network.receive(results) for _ in range(3)]
            assert network.network.name == "service"
        assert network.network.balance()["results"].held == 2
        got += [await network.receive(results) for _ in range(2)]  # what is left can be received after the run
        with pytest.raises(trio.EndOfChannel):
            await network.receive(results)
        return got

    assert run(main) == [0, 1, 2, 3, 4]


def test_messages_are_iterated_until_the_block_has_ended() -> None:
    async def main() -> list[int]:
        work, results = make()

        async def feed() -> None:
            for n in range(5):
                await network.send(work, n)
            await network.call(work.aclose)

        async with AsyncioNetwork(work) as network:
            feeding = asyncio.create_task(feed())
            got = [message async for message in network.messages(results)]
            await feeding
        return got

    assert run(main) == [0, 1, 2, 3, 4]


def test_a_full_block_lets_the_sender_wait_and_a_cancelled_send_has_sent_nothing() -> None:
    async def main() -> None:
        buffer = BoundedBuffer[int](1)
        async with AsyncioNetwork(buffer) as network:
            await network.send(buffer, 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await network.send(buffer, 2)
            assert await network.receive(buffer) == 1
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await network.receive(buffer)
            await network.send(buffer, 3)
            assert await network.receive(buffer) == 3

    run(main)


def test_a_message_that_was_received_when_the_cancellation_came_is_not_lost() -> None:
    async def main() -> None:
        portal = await portal_here()
        begun, goes_on = threading.Event(), threading.Event()

        async def take() -> str:
            begun.set()
            goes_on.wait(60)  # holds the loop of trio: the cancellation comes too late
            return "message"

        got: list[str] = []

        async def receive() -> None:
            got.append(await portal.call(take))
            await asyncio.sleep(1000)

        task = asyncio.create_task(receive())
        await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert got == ["message"]

    run(main)


def test_a_fault_cancels_the_body_and_comes_out() -> None:
    async def main() -> None:
        work, _ = make(invert)

        async def wait_for_ever() -> None:
            async with AsyncioNetwork(work) as network:
                await network.send(work, 0)
                await asyncio.sleep(1000)

        with pytest.raises(ZeroDivisionError) as caught:
            await wait_for_ever()
        assert caught.value.__notes__ == ["in work, item 1: 0"]
        await asyncio.sleep(0)  # the cancellation is over

    run(main)


def test_errors_of_the_body_and_of_the_network_both_come_out() -> None:
    async def fail_both(error: BaseException) -> None:
        work, _ = make(invert)
        async with AsyncioNetwork(work) as network:
            await network.send(work, 0)
            try:
                await asyncio.sleep(1000)
            finally:
                raise error

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await fail_both(KeyError("body"))
        assert [type(error) for error in caught.value.exceptions] == [KeyError, ZeroDivisionError]
        with pytest.raises(SystemExit) as left:
            await fail_both(SystemExit(3))
        assert left.value.__notes__[0].startswith("the network failed, too: ZeroDivisionError")

    run(main)


def test_the_exception_of_the_body_cancels_the_network() -> None:
    async def main() -> None:
        work, _ = make()
        network = AsyncioNetwork(work)
        with pytest.raises(KeyError):
            async with network:
                raise KeyError
        assert network.network.cancel_called

    run(main)


def test_a_fault_while_the_network_drains_comes_out() -> None:
    async def main() -> None:
        async def serve(seconds: float) -> None:
            work, _ = make(invert)
            async with AsyncioNetwork(work) as network:
                await network.send(work, 0)
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    pass

        for seconds in (0.0, 0.0, 0.0, 0.001, 0.01):  # the fault comes before, during or after the end of the body
            with pytest.raises(ZeroDivisionError):
                await serve(seconds)
            await asyncio.sleep(0)

    run(main)


def test_a_cancelled_body_in_a_network_that_fails_stays_cancelled() -> None:
    async def service() -> None:
        work, _ = make(invert)
        async with AsyncioNetwork(work) as network:
            body = asyncio.current_task()
            assert body is not None
            asyncio.get_running_loop().call_later(0.2, body.cancel)
            await network.send(work, 0)
            with suppress(asyncio.CancelledError):  # first by the network, then by the program
                await asyncio.sleep(1000)
            await asyncio.sleep(1000)

    async def main() -> None:
        task = asyncio.create_task(service())
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)


def test_a_cancelled_program_cancels_the_network_and_waits_for_it() -> None:
    async def main() -> None:
        for has_left in (False, True):
            cancelled: list[int] = []
            begun = threading.Event()

            async def hang(item: int, cancelled: list[int] = cancelled, begun: threading.Event = begun) -> None:
                begun.set()
                try:
                    await asyncio.sleep(1000)
                finally:
                    cancelled.append(item)

            work, _ = make(asyncio_function(hang))

            async def service(work: Any = work, has_left: bool = has_left) -> None:
                async with AsyncioNetwork(work) as network:
                    await network.send(work, 1)
                    if not has_left:
                        await asyncio.sleep(1000)

            task = asyncio.create_task(service())
            await asyncio.to_thread(begun.wait, 30)
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert cancelled == [1]

    run(main)


def test_cancelling_the_network_ends_the_body_without_an_exception() -> None:
    async def main() -> None:
        work, _ = make()
        async with AsyncioNetwork(work) as network:
            portal = await portal_here()
            portal.call_soon(network.network.cancel)
            await asyncio.sleep(1000)
        assert network.network.cancel_called
        await asyncio.sleep(0)

    run(main)


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


def test_senders_hand_on_their_context_variables() -> None:
    async def main() -> list[str]:
        work, results = make(lambda _: variable.get(), context=True)
        async with AsyncioNetwork(work) as network:

            async def request(name: str) -> None:
                variable.set(name)
                await network.send(work, 0)

            await asyncio.gather(*(asyncio.create_task(request(f"request {n}")) for n in range(3)))
            return sorted([await network.receive(results) for _ in range(3)])

    assert run(main) == ["request 0", "request 1", "request 2"]


def test_functions_of_asyncio_need_the_network_of_asyncio() -> None:
    @asyncio_function
    async def later(item: int) -> int:
        await asyncio.sleep(0)
        return item

    async def main() -> int:
        work, results = make(later)
        async with AsyncioNetwork(work) as network:
            await network.send(work, 7)
            result: int = await network.receive(results)
        return result

    assert run(main) == 7
    with pytest.raises(RuntimeError, match="'later' is a function of asyncio: run its block in an AsyncioNetwork"):
        list((Pipeline.of(int) | Transformer(later)).run([1]))
    with pytest.raises(TypeError, match="asyncio_function: needs an asynchronous function"):
        asyncio_function(cast("Any", same))


def test_a_call_after_the_end_of_the_portal_says_so() -> None:
    async def main() -> None:
        portal = await portal_here()
        begun = threading.Event()

        async def wait() -> None:
            begun.set()
            await trio.sleep_forever()

        task = asyncio.create_task(portal.call(wait))
        await asyncio.to_thread(begun.wait, 30)
        await asyncio.to_thread(portal.end)
        with pytest.raises(RuntimeError, match="the loop of trio has ended"):
            await task

    run(main)


# A web server

Question = tuple[int, "asyncio.Future[int]"]


def test_a_web_server_feeds_one_network_for_all_requests() -> None:
    fastapi = pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")

    def square(question: Question) -> Question:
        number, answer = question
        return number * number, answer

    async def reply(question: Question) -> None:
        result, answer = question
        if not answer.done():
            answer.set_result(result)

    stopped: list[int] = []

    async def take_long(number: int) -> int:
        try:
            await asyncio.sleep(1000)
        finally:
            stopped.append(number)
        return number

    squares: Transformer[Question, Question] = Transformer(square)
    squares.link_target(Call(asyncio_function(reply), concurrency=100))

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None]:
        async with AsyncioNetwork(squares) as app.state.network:
            yield

    app: Any = fastapi.FastAPI(lifespan=lifespan)

    async def answer(number: int) -> int:
        question: Question = number, asyncio.get_running_loop().create_future()
        await app.state.network.send(squares, question)
        return await question[1]

    async def slow(number: int) -> str:
        try:
            async with asyncio.timeout(0.05):
                await Pipeline(take_long).collect([number])
        except TimeoutError:
            return "too late"
        return "done"

    app.get("/square/{number}")(answer)
    app.get("/slow/{number}")(slow)

    async def main() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
        ):
            answers = await asyncio.gather(*(client.get(f"/square/{n}") for n in range(1000)))
            assert [answer.json() for answer in answers] == [n * n for n in range(1000)]
            late = await client.get("/slow/5")
            assert late.json() == "too late"
            assert stopped == [5]
        comes_true(lambda: squares.is_finished)

    run(main)


def test_what_still_runs_when_the_portal_ends_says_so() -> None:
    async def main() -> None:
        work, _ = make()
        stream = Pipeline(same).stream(iter(int, 1))
        results = await stream.__aenter__()

        async def end_portal() -> None:
            async with AsyncioNetwork(work):
                await asyncio.to_thread((await portal_here()).end)
                await asyncio.sleep(1000)

        with pytest.raises(RuntimeError, match="the loop of trio has ended"):
            await end_portal()
        with pytest.raises(RuntimeError, match="the loop of trio has ended"):
            [_ async for _ in results]
        with pytest.raises(RuntimeError, match="the loop of trio has ended"):
            await Pipeline(same).collect([1])

    run(main)


def test_the_first_call_finds_the_network_running() -> None:
    async def main() -> None:
        for _ in range(20):
            service = Service[int, int](abs)
            async with AsyncioNetwork(service) as network:
                assert await network.call(service.ask, -1) == 1

    asyncio.run(main())


def test_a_network_that_cannot_begin_says_so_at_once() -> None:
    async def main() -> None:
        used = Call(print)
        async with AsyncioNetwork(used):
            pass
        async with AsyncioNetwork(used):
            raise AssertionError("it has begun")

    with pytest.raises(RuntimeError, match="call 'print'"):
        asyncio.run(main())


def test_a_task_that_is_cancelled_before_the_network_begins_ends_it() -> None:
    network = AsyncioNetwork(Call(print))

    async def enter() -> None:
        async with network:
            await asyncio.sleep(100)

    async def main() -> None:
        task = asyncio.create_task(enter())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert network.network.balance().ok
