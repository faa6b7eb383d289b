"""Advice to put neighbouring stages together."""

import hashlib

import pytest
import trio

from penstock.blocks import (
    Broadcast,
    Call,
    DeadLetter,
    Filter,
    IterableSource,
    Network,
    Report,
    Stage,
    Threads,
    Transformer,
)
from penstock.blocks.reports.fusing import fused, groups_of, lines_of
from penstock.blocks.reports.suggest import suggest


def stage(name: str, micros: float, items: int = 100) -> Stage:
    return Stage(name, "Threads", 1, items, micros * 1e-6 * items, micros * 1e-6 * items)


@pytest.mark.parametrize(
    ("micros", "least", "groups"),
    [
        ([100, 100, 100], 300, [["a", "b", "c"]]),
        ([100, 100, 100], 250, [["a", "b"]]),
        ([100, 100, 100, 100], 250, [["a", "b"], ["c", "d"]]),
        ([100, 600, 100, 100], 1000, [["c", "d"]]),
        ([200, 100, 50], 150, [["b", "c"]]),
        ([5, 5, 5], 300, []),
        ([100], 300, []),
    ],
)
def test_neighbours_are_put_together_while_they_hold_up_nothing(
    micros: list[float], least: float, groups: list[list[str]]
) -> None:
    stages = {name: stage(name, each) for name, each in zip("abcd", micros, strict=False)}
    assert list(groups_of(list(stages), stages, least * 1.0001e-6)) == groups


def test_neighbours_that_get_different_items_stay_apart() -> None:
    stages = {"a": stage("a", 100), "b": stage("b", 100, items=50), "c": stage("c", 100, items=50)}
    assert list(groups_of(["a", "b", "x", "c"], stages, 1.0)) == []
    assert list(groups_of(["a", "b", "c"], stages, 1.0)) == [["b", "c"]]


def test_the_advice_names_them_and_says_what_it_saves() -> None:
    stages = [stage("a", 100), stage("b", 100), stage("c", 100), stage("d", 400)]
    (line,) = fused([["a", "b", "c", "d"]], stages, 4.0001e-4)
    assert line == (
        "fuse a, b and c: one function that calls them takes 300 µs per item, which holds up nothing, and saves 2 "
        "hand-overs for each item"
    )
    advice = suggest(stages, 0.07, 1, None, [["b", "c"]]).advice
    assert advice[-1].startswith("fuse b and c: one function that calls them takes 200 µs per item")
    assert advice[-1].endswith("and saves a hand-over for each item")


def test_lines_are_transformers_in_the_same_kind_of_workers_with_one_link_between_them() -> None:
    def work(item: int) -> int:
        hashlib.sha256(bytes(20_000)).digest()
        return item

    threads = Threads(1)
    a, b, c, f, g, h = (Transformer(work, executor=threads, name=name) for name in "abcfgh")
    d = Transformer(work, name="d")
    kept = Filter[int](bool, executor=threads, name="kept")
    fork = Broadcast[int](name="fork")
    letters = Transformer(work, executor=threads, on_error=DeadLetter(Call(str)), name="letters")
    source = IterableSource(range(20))
    for before, after in [(source, a), (a, b), (b, c), (c, d), (d, f), (f, kept), (kept, g), (g, fork), (fork, h)]:
        before.link_target(after)
    h.link_target(letters)
    letters.link_target(Call(str))
    fork.link_target(Call(str))

    async def main() -> Report:
        async with Network(source) as network:
            pass
        return network.report()

    report = trio.run(main)
    assert lines_of(report.statistics.blocks, report.links) == [["a", "b", "c"], ["h", "letters"]]


def test_a_network_gives_this_advice() -> None:
    def work(item: int) -> int:
        hashlib.sha256(bytes(40_000)).digest()
        return item

    def slow(item: int) -> int:
        for _ in range(20):
            work(item)
        return item

    async def main() -> str:
        threads = Threads(3)
        first, second = Transformer(work, executor=threads, name="a"), Transformer(work, executor=threads, name="b")
        last = Call(slow, executor=threads)
        first.link_target(second)
        second.link_target(last)
        async with Network(first) as network:
            for number in range(400):  # so many that one standstill of the machine does not make an item slow
                await first.send(number)
        return str(network.suggest())

    assert "fuse a and b: one function" in trio.run(main)
