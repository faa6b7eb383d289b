"""What a link may lead to, and what is refused before it is made."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Join,
    Network,
    OverwriteBuffer,
    Retry,
    SingleAssignment,
    Skip,
    Source,
    Target,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, linked, run

MAKE: list[Callable[[], Any]] = [
    lambda: UnboundedBuffer[Any](name="t"),
    lambda: BoundedBuffer[Any](1, name="t"),
    lambda: OverwriteBuffer[Any](name="t"),
    lambda: SingleAssignment[Any](name="t"),
    lambda: Broadcast[Any](name="t"),
    lambda: Batch[Any](2, name="t"),
    lambda: Call(print, name="t"),
    lambda: Transformer(str, name="t"),
    lambda: TransformMany(str, name="t"),
]
SOURCES: list[Callable[[], Any]] = [
    lambda: UnboundedBuffer[Any](name="s"),
    lambda: IterableSource([1], name="s"),
    lambda: Broadcast[Any](name="s"),
    lambda: OverwriteBuffer[Any](name="s"),
    lambda: Transformer(str, name="s"),
]


@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize("make_source", SOURCES)
def test_a_link_to_a_target_that_was_completed_is_refused_on_the_spot(make: Any, make_source: Any) -> None:
    source, target = make_source(), make()
    target.complete()
    with pytest.raises(RuntimeError, match=r"'t' is complete and takes no more, so .* 's' cannot be linked to it"):
        source.link_target(target)
    assert not source._core.outbox.links
    assert not target._core.inbox.producers


@pytest.mark.parametrize("make", MAKE)
async def test_a_link_to_a_target_whose_network_has_ended_is_refused(make: Any) -> None:
    target: Any = make()
    if target.kind in ("broadcast", "batch", "transformer", "transform-many"):
        linked(target)
    async with Network(target):
        pass
    with pytest.raises(RuntimeError, match="is complete and takes no more"):
        UnboundedBuffer[Any](name="s").link_target(target)


@pytest.mark.parametrize("make", [lambda: Choice[Any](name="t"), lambda: SequenceMultiplexer(key=int, name="t")])
async def test_a_block_with_any_number_of_inputs_takes_no_link_when_it_has_ended(make: Any) -> None:
    source, target = IterableSource([1], name="s"), make()
    source.link_target(target)
    linked(target)
    async with Network(source):
        pass
    with pytest.raises(RuntimeError, match="'t' is complete and takes no more"):
        UnboundedBuffer[Any](name="late").link_target(target)


async def test_a_choice_of_which_one_input_has_ended_still_takes_another() -> None:
    ended: UnboundedBuffer[int] = UnboundedBuffer()
    ended.complete()
    more: UnboundedBuffer[int] = UnboundedBuffer()
    choice = Choice(ended, more)
    collector = linked(choice)
    await run(more, [1])
    assert [chosen.value for chosen in contents(collector)] == [1]


async def test_an_input_of_a_join_that_has_ended_takes_no_link() -> None:
    join: Join[Any] = Join(inputs=2, name="t")
    join.inputs[0].complete()
    with pytest.raises(RuntimeError, match="is complete and takes no more"):
        UnboundedBuffer[Any](name="s").link_target(join.inputs[0])
    with pytest.raises(RuntimeError, match="is complete and takes no more"):  # it has no tuple to make any more
        UnboundedBuffer[Any](name="s").link_target(join)


async def test_a_target_that_completes_while_a_program_links_is_refused_and_the_item_is_kept() -> None:
    sink: Call[Any] = Call(print, name="sink")
    source: UnboundedBuffer[int] = UnboundedBuffer(name="s")
    async with Network(sink):
        sink.complete()
        with pytest.raises(RuntimeError, match="complete"):
            source.link_target(sink)
        source.send_nowait(1)
    assert contents(source) == [1]


# Dead letters


def fail(item: int) -> None:
    raise ValueError


@pytest.mark.parametrize("then", [False, True])
async def test_dead_letters_to_a_target_that_has_finished_are_refused_when_the_block_is_made(then: bool) -> None:
    letters: Call[ErrorInfo] = Call(lambda letter: None, name="letters")
    policy: Any = Retry(1, then=DeadLetter(letters)) if then else DeadLetter(letters)
    await run(Call(fail, on_error=policy), [1])
    with pytest.raises(RuntimeError, match="call 'letters' is complete and takes no more, so call 'again' cannot be"):
        Call(fail, on_error=policy, name="again")


async def test_a_block_with_dead_letters_may_be_made_while_their_target_runs() -> None:
    letters: list[Any] = []
    target: Call[ErrorInfo] = Call(letters.append)
    async with Network(target) as network:
        block: Call[int] = Call(fail, on_error=DeadLetter(target), name="late")
        assert block.network is network
        await block.send(1)
        block.complete()
    assert [letter.item for letter in letters] == [1]


# Objects of another kind


class Foreign(Target[int], Source[int]):
    """A user's own channel, which is no block."""

    async def send(self, value: int) -> None: ...

    def send_nowait(self, value: int) -> None: ...

    async def aclose(self) -> None: ...


class Reader(Agent):
    async def run(self) -> None: ...


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        (print, "to call a function, link a Call"),
        (Call, "that is a class"),
        (IterableSource([1]), "it gives messages and takes none"),
        (Reader(), "name the source in its inputs"),
        (Foreign(), "a target of a kind of its own; derive it from Buffer"),
        (None, "got None$"),
        ("text", "got 'text'$"),
        (trio.open_memory_channel[int](1)[0], "got <send channel"),
    ],
)
def test_what_is_no_target_is_an_error_that_says_what_to_do(target: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=f"'s': link_target needs a .*{hint}"):
        UnboundedBuffer[Any](name="s").link_target(target)


def test_a_foreign_channel_is_refused_wherever_a_block_is_needed() -> None:
    foreign: Any = Foreign()
    uses: list[Callable[[], object]] = [
        lambda: Reader(inputs=[foreign]),
        lambda: Reader(outputs=[foreign]),
        lambda: Join(foreign),
        lambda: Choice[Any](foreign),
        lambda: Call(print, on_error=DeadLetter(foreign)),
        lambda: Network(foreign),
    ]
    for use in uses:
        with pytest.raises(TypeError, match=r"got <.*Foreign object"):
            use()


def test_a_policy_says_what_it_needs() -> None:
    with pytest.raises(TypeError, match="DeadLetter: target must be a block that takes messages, or a function, got 3"):
        DeadLetter(3)  # type: ignore[arg-type]  # that is the point
    assert Skip() == Skip()


async def test_blocks_of_two_networks_are_not_linked() -> None:
    one: UnboundedBuffer[int] = UnboundedBuffer(name="one")
    other: UnboundedBuffer[int] = UnboundedBuffer(name="other")
    async with Network(one, name="first"), Network(other, name="second"):
        with pytest.raises(RuntimeError, match="runs in network 'first' and cannot be linked into 'second' too"):
            one.link_target(other)


async def test_a_source_that_is_refused_leaves_no_input_behind() -> None:
    ended: UnboundedBuffer[int] = UnboundedBuffer(name="ended")
    async with Network(ended):
        pass
    source: UnboundedBuffer[int] = UnboundedBuffer()
    choice = Choice(source)
    linked(choice)
    async with Network(choice, name="net"):
        with pytest.raises(RuntimeError, match="'ended' has already run and is finished; make a new one for network"):
            ended.link_target(choice)
        assert len(choice.inputs) == 1


async def test_what_has_left_its_network_does_not_come_back() -> None:
    fork: Broadcast[int] = Broadcast(name="fork")
    async with Network(fork, name="net") as network:
        gone: UnboundedBuffer[int] = UnboundedBuffer(name="gone")
        link = fork.link_target(gone)
        link.unlink()
        gone.complete()
        await wait_all_tasks_blocked()
        assert len(network.blocks) == 1
        target = UnboundedBuffer[int]()
        Agent(inputs=[gone], outputs=[target])
        with pytest.raises(RuntimeError, match=r"'gone' has ended and has left network 'net'; make a new one"):
            fork.link_target(target)
