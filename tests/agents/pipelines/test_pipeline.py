"""Recipes: how they are composed, what they say of themselves, and what is refused where it is written."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from penstock.agents import Pipeline
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    DeadLetter,
    IterableSource,
    Join,
    Network,
    Retry,
    Threads,
    Transformer,
    UnboundedBuffer,
)
from tests.agents.pipelines.recipes import invert, same
from tests.blocks.tools import contents


def double(n: int) -> int:
    return 2 * n


def add(one: str, other: str) -> str:
    return one + other


def total(numbers: list[int]) -> int:
    return sum(numbers)


def is_even(n: int) -> bool:
    return n % 2 == 0


async def later(n: int) -> int:
    return n


def test_it_says_what_it_does() -> None:
    pipeline = (
        Pipeline(double)
        .map(str, name="as text")
        .filter(bool)
        .flat_map(list)
        .tap(print)
        .batch(3)
        .flatten()
        .fold(add, "")
        .take(2)
        .throttle(1000)
        .then(BoundedBuffer[str](4, name="store"))
        .fork(Pipeline(len), Pipeline(len), Pipeline.of(str))
    )
    text = (
        "double → as text → filter bool → list → tap print → batch 3 → flatten → fold add → take 2 → throttle → "
        "store → fork (len | len | the item)"
    )
    assert str(pipeline) == text
    assert repr(pipeline) == f"<Pipeline {text}>"
    assert repr(Pipeline.of(int)) == "<Pipeline no stages>"


def test_a_method_returns_a_longer_recipe_and_leaves_the_old_one_as_it_is() -> None:
    first = Pipeline(double)
    longer = first.map(double)
    assert list(first.run([1])) == [2]
    assert list(longer.run([1])) == [4]


def test_each_run_has_its_own_blocks_with_the_same_names() -> None:
    pipeline = Pipeline(double).batch(2) | BoundedBuffer[list[int]](8)
    runs = [pipeline.run(range(5)) for _ in range(3)]
    assert [list(run) for run in runs] == 3 * [[[0, 2], [4, 6], [8]]]
    names = [[block.name for block in run.network.blocks] for run in runs]
    assert names[0] == names[1] == names[2]
    assert len({block for run in runs for block in run.network.blocks}) == 3 * len(names[0])


def test_lambdas_have_the_same_names_in_each_run_too() -> None:
    pipeline = Pipeline.of(int).map(lambda n: n).filter(lambda n: n > 0).flat_map(lambda n: [n])
    runs = [pipeline.run([1]) for _ in range(2)]
    names = ["source", "<lambda>", "<lambda>-2", "<lambda>-3", "results"]
    assert [[block.name for block in run.network.blocks] for run in runs] == [names, names]
    assert runs[0].stage("<lambda>-2").name == "<lambda>-2"


def test_pipelines_and_blocks_are_joined_in_any_order() -> None:
    by_block = Batch[int](2) | Pipeline(total) | Batch[int](2)
    assert list(by_block.run(range(6))) == [[1, 5], [9]]
    by_method = Pipeline.of(int).then(Batch[int](2)).then(Pipeline(total)).then(Batch[int](2))
    assert list(by_method.run(range(6))) == [[1, 5], [9]]
    assert str(Pipeline(double) | Pipeline.of(int) | Pipeline(double)) == "double → double"


def test_a_block_is_a_template_with_its_name_and_filter() -> None:
    template = Transformer(double, on_error="skip", name="twice")
    template.filter = lambda n: n < 3
    template.name = "two times"
    run = (Pipeline.of(int) | template).run([1, 2])
    assert list(run) == [2, 4]
    assert [block.name for block in run.network.blocks] == ["source", "two times", "results"]
    assert template.network is None


class Own(UnboundedBuffer[int]):
    """A block of a user, with arguments of its own."""

    def __init__(self, start: int, *, factor: int = 1) -> None:
        super().__init__()
        self.values = (start, factor)


def test_a_block_of_a_users_class_is_made_again_with_its_own_arguments() -> None:
    run = (Pipeline.of(int) | Own(3, factor=5)).run([1])
    assert list(run) == [1]
    (block,) = [block for block in run.network.blocks if isinstance(block, Own)]
    assert block.values == (3, 5)


def test_branches_see_every_item_and_their_results_come_together() -> None:
    pipeline = Pipeline.of(int).fork(Pipeline(double), Pipeline(is_even).map(str), Pipeline.of(int))
    assert list(pipeline.run(range(3))) == [(0, "True", 0), (2, "False", 1), (4, "True", 2)]


def test_what_one_branch_drops_has_no_partner() -> None:
    run = Pipeline.of(int).fork(Pipeline.of(int).filter(is_even), Pipeline(double)).run(range(5))
    assert list(run) == [(0, 0), (2, 4), (4, 8)]
    assert run.network.balance().dropped == 4  # two were filtered, and two have no partner


def test_branches_that_change_the_order_are_joined_by_key() -> None:
    branch = Pipeline(later, concurrency=3, ordered=False)
    pipeline = Pipeline.of(int).fork(branch, Pipeline.of(int), key=same)
    assert sorted(pipeline.run(range(20))) == [(n, n) for n in range(20)]
    with pytest.raises(ValueError, match="give it key="):
        list(Pipeline.of(int).fork(branch, Pipeline.of(int)).run(range(3)))


def test_dead_letters_go_to_a_function() -> None:
    letters: list[Any] = []
    policies = (DeadLetter(letters.append), Retry(1, then=DeadLetter(letters.append)))
    for policy in policies:
        pipeline = Pipeline(invert, on_error=policy)
        assert [list(pipeline.run([1, 0, 2])) for _ in range(2)] == [[1, 0], [1, 0]]
    assert [(letter.item, letter.number, letter.phase) for letter in letters] == 4 * [(0, 2, "invert")]


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: Pipeline(3), TypeError, r"Pipeline: needs a function, got 3; give pipelines and blocks to then\(\)"),  # type: ignore[call-overload]  # pyright: ignore
    (lambda: Pipeline(double).map(Pipeline(double)), TypeError, "Pipeline.map: needs a function"),  # type: ignore[call-overload]  # pyright: ignore
    (
        lambda: Pipeline(double, workers=3),  # type: ignore[call-overload]  # pyright: ignore
        TypeError,
        "Pipeline: there is no option 'workers'; there are capacity, name, .*priority, resource",
    ),
    (lambda: Pipeline(double, concurrency=2), ValueError, "concurrency=2 needs an executor or an async function"),
    (lambda: Pipeline(later, executor=Threads(1)), TypeError, "takes no executor"),
    (lambda: Pipeline(double, on_error="ignore"), ValueError, "on_error must be"),  # type: ignore[call-overload]  # pyright: ignore
    (lambda: Pipeline(double).batch(0), ValueError, "max_items must be"),
    (lambda: Pipeline(double).take(0), ValueError, "count must be"),
    (lambda: Pipeline(double).fork(Pipeline(double)), TypeError, "Pipeline.fork: needs two or more pipelines"),
    (lambda: Pipeline(double).fork(double, double), TypeError, "Pipeline.fork: needs two or more pipelines"),  # type: ignore[call-overload]  # pyright: ignore
    (lambda: Pipeline(double) | double, TypeError, r"got <function double.*give a function to map\(\)"),  # type: ignore[operator]  # pyright: ignore
    (lambda: Pipeline(double).then(3), TypeError, "Pipeline.then: needs a pipeline, or a block .*, got 3"),  # type: ignore[arg-type]  # pyright: ignore
    (lambda: Pipeline(double).then(Call(print)), TypeError, r"linked to a section\(\) of the pipeline"),  # type: ignore[arg-type]  # pyright: ignore
    (lambda: Pipeline(double).then(Join(inputs=2)), TypeError, "has several inputs; link it"),  # pyright: ignore
    (
        lambda: Pipeline(double, on_error=DeadLetter(UnboundedBuffer(name="bin"))),
        TypeError,
        "its dead letters cannot go to unbounded buffer 'bin'; give DeadLetter a function",
    ),
    (
        lambda: Pipeline(double).run([], limt=3),  # type: ignore[call-arg]  # pyright: ignore
        TypeError,
        "Pipeline.run: there is no option 'limt'; there are limit, recording, progress, dashboard, time_limit,",
    ),
    (lambda: Pipeline(double).run([], library="curio"), ValueError, "library must be 'trio' or 'asyncio'"),  # type: ignore[arg-type]  # pyright: ignore
    (lambda: Pipeline(double).run([], limit=0), ValueError, "limit must be an int >= 1, got 0"),
    (lambda: Pipeline(double).batch(5).run([], limit=4), ValueError, "limit must be at least 5.*got 4"),
    (
        lambda: Pipeline(double).batch(10).batch(5).stream([], limit=13),
        ValueError,
        "Pipeline.stream: limit must be at least 14",
    ),
    (lambda: Pipeline(double).run(3), TypeError, "must be an iterable.*got 3; put a single item into a list"),  # type: ignore[arg-type]  # pyright: ignore
    (lambda: Pipeline(double).run(iter), TypeError, "call it, and give what it returns"),  # type: ignore[arg-type]  # pyright: ignore
    (lambda: DeadLetter(3), TypeError, "target must be a block that takes messages, or a function, got 3"),  # type: ignore[arg-type]  # pyright: ignore
    (
        lambda: Transformer(double, on_error=DeadLetter(print)),
        TypeError,
        r"to call a function, link a Call\(function\)",
    ),
]


@pytest.mark.parametrize(("compose", "kind", "message"), REFUSED)
def test_what_is_wrong_is_refused_where_it_is_written(
    compose: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        compose()


def test_a_block_that_is_used_elsewhere_is_no_template() -> None:
    linked, fed, full = UnboundedBuffer[int](), UnboundedBuffer[int](), UnboundedBuffer[int]()
    linked.link_target(fed)
    full.send_nowait(1)
    for block in (linked, fed, full):
        with pytest.raises(ValueError, match="is linked, or has run"):
            Pipeline(double).then(block)


class Undone(UnboundedBuffer[int]):
    """A block whose core does not come from a constructor that the library can see."""

    def __init__(self) -> None:
        super().__init__()
        self._core.made = None


def test_a_block_that_cannot_be_made_again_is_refused() -> None:
    with pytest.raises(TypeError, match="it is not known how to make another block"):
        Pipeline(double).then(Undone())


async def test_a_section_is_one_part_of_a_network_that_is_built_by_hand() -> None:
    pipeline = Pipeline(double).filter(lambda n: n > 2, name="large").batch(2)
    sections = [pipeline.section(name) for name in ("one", None)]
    assert [section.name for section in sections] == ["one", "double → filter large → batch 2"]
    assert str(sections[0]) == "section 'one'"
    assert repr(sections[0]) == "<Section 'one', 3 blocks>"
    collected = UnboundedBuffer[list[int]]()
    source: Broadcast[int] = Broadcast()
    IterableSource(range(4)).link_target(source)
    for section in sections:
        source.link_target(section)
        section.link_target(collected)
    async with Network(sections[0]) as network:
        pass
    assert sorted(contents(collected)) == [[4, 6], [4, 6]]
    assert {*sections[0].blocks, *sections[1].blocks} < set(network.blocks)


async def test_a_section_takes_what_is_sent_and_gives_what_comes_out() -> None:
    section = Pipeline(double).section()
    async with Network(section):
        await section.send(4)
        assert await section.receive() == 8
        section.send_nowait(5)
        await section.aclose()
        assert [n async for n in section] == [10]


async def test_a_section_without_stages_hands_items_on() -> None:
    section = Pipeline.of(int).section()
    async with Network(section):
        await section.send(4)
        assert await section.receive() == 4


def test_a_check_finds_what_will_stall() -> None:
    assert Pipeline(double).batch(2).check() == ()
    branch = Pipeline(later, concurrency=2, ordered=False)
    (finding,) = Pipeline.of(int).fork(branch, Pipeline.of(int)).check()
    assert finding.startswith("join 'join' pairs messages of broadcast 'fork' by position, but")


# In a notebook


def drawn(pipeline: Pipeline[Any, Any]) -> list[str]:
    """The texts of the picture of a pipeline."""
    root = ElementTree.fromstring(pipeline._repr_svg_())
    return [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_notebook_displays_the_stages_and_where_they_run() -> None:
    recipe = Pipeline(double, executor=Threads(2), concurrency=2).map(double).filter(is_even).batch(3)
    assert drawn(recipe) == [
        *("pipeline", "double", "Threads × 2", "double-2", "loop", "is_even", "loop", "batch 3"),
    ]
    assert drawn(recipe) == drawn(recipe)


def test_a_notebook_displays_branches_and_a_pipeline_without_stages() -> None:
    texts = drawn(Pipeline.of(int).fork(Pipeline(double), Pipeline(is_even)))
    assert {"fork", "double", "is_even", "join"} <= set(texts)
    assert drawn(Pipeline.of(int)) == ["pipeline"]


def pages(n: int) -> list[tuple[int, int]]:
    return [(n, page) for page in range(n)]


@pytest.mark.parametrize("limit", [1, 3, None])
def test_what_came_of_an_item_comes_together_again(limit: int | None) -> None:
    split = Pipeline.of(int).flat_map(pages).filter(lambda page: page[1] != 1)
    assert str(split.regroup().map(len)) == "pages → filter <lambda> → regroup → len"
    assert list(split.regroup().map(len).run([3, 0, 500], limit=limit)) == [2, 0, 499]
    sums: Pipeline[int, int] = split.regroup(lambda state, page: state + page[1], 10, name="sums")
    assert list(sums.run([3, 0, 5], limit=limit)) == [12, 10, 19]
    nested: Pipeline[list[list[int]], list[list[int]]] = (
        Pipeline.of(list[list[int]]).flatten().flatten().map(double).regroup().regroup()
    )
    assert list(nested.run([[[1, 2], []], []])) == [[[2, 4], []], []]


def test_a_regroup_that_cannot_work_is_refused_on_its_line() -> None:
    split = Pipeline.of(int).flat_map(pages)
    with pytest.raises(ValueError, match=r"Pipeline.regroup: no stage before it makes several items of one; put it"):
        Pipeline(double).regroup()
    with pytest.raises(ValueError, match=r"Pipeline.regroup: no stage before it makes several items of one; put it"):
        split.regroup().regroup()
    with pytest.raises(ValueError, match=r"Pipeline.regroup: .* does not give one message for each message"):
        split.map(str, key=hash, executor=Threads(2), concurrency=2, ordered=False).regroup()
    with pytest.raises(ValueError, match=r"Pipeline.regroup: .* does not give one message for each message"):
        split.batch(2).regroup()
    wrong: Any = split
    with pytest.raises(TypeError, match="start is missing"):
        wrong.regroup(max)


def test_a_regroup_is_one_stage_of_a_plan() -> None:
    pipeline = Pipeline(double).flat_map(pages).map(len).regroup().map(total)
    profile = pipeline.run_profile(range(5))
    assert [task.name for task in profile.tasks] == ["double", "pages → len → regroup", "total"]
    planned = pipeline.planned(profile.plan(1))
    assert list(planned.run(range(4))) == [0, 4, 8, 12]
