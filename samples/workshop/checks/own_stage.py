"""Exercise 1: checks the stage that leaves out repeated phrases, in the learner's pipeline."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from itertools import cycle
from types import ModuleType

import trio

from penstock.agents import Agent
from penstock.blocks import Declined, Network, Stalled
from penstock.samples.workshop.laws import Refused, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "An agent names in its constructor what it reads and what it feeds: `super().__init__(inputs=[…], outputs=[…])`.",
    "`async for phrase in self.phrases:` gives every phrase and ends by itself. `CorrectCase` is a stage like yours.",
    "Keep the phrase before in a variable inside `run`. Compare `phrase.lower()` with it, send if they differ, and "
    "then remember the new one.",
    "In `make_agents`, make a buffer `kept`. Your stage goes from `phrases` to `kept`, and `CorrectCase` reads `kept`.",
)

WORDS = ("the mill", "by the river", "it stood", "and turned", "for years", "in the wind")
ERRORS: dict[type[BaseException], str] = {
    Stalled: "Does your stage read its source to the end, and does the next stage read what yours feeds?",
    trio.EndOfChannel: "`receive()` raises `EndOfChannel` after the last phrase. `async for` ends there by itself.",
    Declined: "The buffer has completed before your stage has sent. Name it in `outputs=[…]`: then it "
    "stays open until your `run` returns.",
    trio.BrokenResourceError: "The buffer after your stage has no reader any more.",
    TimeoutError: "An agent ends when its `run` returns. `async for` over the source ends after the last phrase.",
}


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    make_agents = part(answer, "make_agents")
    _check_place(make_agents, part(answer, "DropRepeats"))
    _check_that_runs_are_apart(answer)
    dice = random.Random(1)
    for _ in range(20):
        phrases = list(_phrases(dice, dice.randrange(1, 12)))
        _check_sentences(answer, phrases)
    _check_sentences(answer, [])
    _check_flow(answer)
    _check_end_after_cancel(answer)
    return "the sentences of 21 generated texts are right, they come while phrases are still read, and cancel ends it"


def _check_place(make_agents: Callable[..., list[Agent]], kind: Callable[..., object]) -> None:
    agents = make_agents(_read([], 0), print)
    require(
        any(type(agent) is kind for agent in agents),
        "your stage is in the pipeline",
        f"`make_agents` returns {', '.join(type(agent).__name__ for agent in agents)}",
        "Step 3: make one more buffer in `make_agents`, and put `DropRepeats` between two stages.",
    )


def _phrases(dice: random.Random, sentences: int) -> Iterator[str]:
    """Phrases of some sentences; about every third is repeated, in another case."""
    for _ in range(sentences):
        words = [dice.choice(WORDS) for _ in range(dice.randrange(1, 5))]
        for phrase in [*words[:-1], f"{words[-1]}."]:
            yield phrase
            while dice.random() < 0.3:
                yield dice.choice((phrase, phrase.upper(), phrase.title()))


def _expected(phrases: Iterable[str]) -> list[str]:
    sentences: list[str] = []
    sentence: list[str] = []
    before = ""
    for phrase in map(str.lower, phrases):
        if phrase != before:
            sentence.append(phrase if sentence else phrase.capitalize())
        before = phrase
        if phrase.endswith(".") and sentence:
            sentences.append(" ".join(sentence))
            sentence = []
    return sentences


def _written(answer: ModuleType, phrases: Iterable[str]) -> list[str]:
    """The sentences that the learner's pipeline makes of some phrases."""
    written: list[str] = []

    async def main() -> None:
        async with Network(*answer.make_agents(_read(phrases, 0), written.append)):
            pass

    run(main, answer=answer, hints=ERRORS)
    return written


def _check_sentences(answer: ModuleType, phrases: list[str]) -> None:
    written, expected = _written(answer, phrases), _expected(phrases)
    if written == expected:
        return
    place = next((n for n, (a, b) in enumerate(zip(written, expected, strict=False)) if a != b), None)
    if place is None:
        place = min(len(written), len(expected))
    came = repr(written[place]) if place < len(written) else "nothing"
    due = repr(expected[place]) if place < len(expected) else "nothing"
    raise Refused(
        "each phrase that is no repeat goes on once, in order; a repeat does not",
        f"of {phrases}\ncame {came} where {due} was due",
        _why(written, phrases),
    )


def _why(written: list[str], phrases: list[str]) -> str:
    """What may be wrong with sentences that are wrong."""
    known = list(dict.fromkeys(phrase.lower() for phrase in phrases))
    words, some = " ".join(written).lower(), "".join(written)
    if words == " ".join(known):
        return "A phrase may come again later. Compare it only with the phrase right before it."
    if words == " ".join(phrases).lower():
        return "The repeats are still there. Which phrase do you compare with which?"
    if len(some) > len("".join(_expected(phrases))):
        return "Some repeats are still there. Compare the phrases in lower case."
    return "Something is missing. Is the last phrase sent on, and is a phrase sent on if the one before was a repeat?"


def _check_that_runs_are_apart(answer: ModuleType) -> None:
    first = _written(answer, ["the mill."])
    second = _written(answer, ["the mill."])
    require(
        first == second,
        "a second run knows nothing of the first",
        f"the same phrase gave {first} in the first run and {second} in the second",
        "Keep the phrase before in a local variable of `run`, and not in the class or the module.",
    )


def _check_flow(answer: ModuleType) -> None:
    """Sentences must come while phrases are still being read."""
    at: list[float] = []

    async def main() -> None:
        start = trio.current_time()
        read = _read(["it stood", "by the river."] * 10, 1.0)

        def write(sentence: str) -> None:
            at.append(trio.current_time() - start)

        async with Network(*answer.make_agents(read, write)):
            pass

    run(main, answer=answer, hints=ERRORS)
    require(
        bool(at) and at[0] < 3,
        "a sentence comes as soon as its last phrase has been read",
        f"each phrase took a second to read; the first sentence has two, and came after {at[0] if at else 20:g} s",
        "Send each phrase on at once, inside the loop. A stage that collects first holds the whole book in memory.",
    )


def _check_end_after_cancel(answer: ModuleType) -> None:
    async def main() -> None:
        some = trio.Event()
        agents = answer.make_agents(_read(cycle(["it stood", "by the river."]), 1.0), partial(_set, some))
        async with Network(*agents) as network:
            await some.wait()
            network.cancel()

    run(main, answer=answer, hints=ERRORS)


def _set(event: trio.Event, sentence: str) -> None:
    event.set()


async def _read(phrases: Iterable[str], seconds: float) -> AsyncIterator[str]:
    for phrase in phrases:
        await trio.sleep(seconds)
        yield phrase
