"""What pages are told of one network: while it runs, when it has ended, and of its errors."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
import trio
import trio.lowlevel
import trio.testing

from penstock.blocks import (
    Activity,
    Call,
    Diagnosis,
    Join,
    Network,
    Recording,
    Report,
    Span,
    Stalled,
    Statistics,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.grid import Column, Grid
from penstock.blocks.base.statistics import AgentStatistics, BlockStatistics
from penstock.blocks.dashboard.scene import (
    MOST_LINES,
    MOST_ROWS,
    Ending,
    Fault,
    Scene,
    Trouble,
    leaves,
    sections_of,
    table_of,
)

BODY = AgentStatistics("body", "running")


def report_at(seconds: float, done: int, running: bool = True) -> Report:
    """A report on a network that has done some items."""
    block = BlockStatistics("work", "transformer", place="loop", at_once=1, emitted=done, failed=2)
    statistics = Statistics("net", seconds, running, (block,), (), (), BODY)
    return Report(statistics, Diagnosis("net", (), (), ()))


def state_of(scene: Scene) -> Any:
    """The message of a scene."""
    text = scene.state()
    assert text is not None
    return json.loads(text)


def test_before_the_first_look_there_is_nothing_to_show() -> None:
    scene = Scene(1, "net\n")
    assert scene.state() is None
    assert (scene.is_running, scene.name, scene.timeline) == (True, r"net\n", None)


def test_rates_are_those_of_the_last_seconds_and_at_the_end_of_the_whole_run() -> None:
    scene = Scene(1, "net")
    rates = list[Any]()
    for second, done in enumerate((0, 10, 20, 30, 40, 140, 240, 340)):
        assert scene.take(report_at(second, done)) == []
        rates.append(state_of(scene)["network"]["nodes"][0]["rate"])
    assert rates == [None, 10, 10, 10, 10, pytest.approx(40), pytest.approx(70), 100]
    assert state_of(scene)["network"]["perItem"] == pytest.approx(0.01)
    assert scene.end(report_at(8, 400, running=False), Ending("done")) == []
    state = state_of(scene)
    assert (state["how"], state["network"]["nodes"][0]["rate"], state["errors"]) == ("done", 50, 2)


def test_a_network_that_does_nothing_has_no_time_per_item() -> None:
    scene = Scene(1, "net")
    scene.take(report_at(1, 0))
    scene.take(report_at(2, 0))
    assert state_of(scene)["network"]["perItem"] is None
    scene.take(report_at(2, 0))  # twice at the same moment
    assert state_of(scene)["network"]["nodes"][0]["rate"] == 0


async def test_a_recorded_network_has_a_chart_and_tells_of_each_error_once() -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    recording = Recording()
    halver = Transformer(halve, on_error="skip", name="halve")
    halver.link_target(Call(lambda _: None))
    scene = Scene(4, "halves", recording)
    async with Network(halver, name="halves", recording=recording) as network:
        for number in (1, 2):
            await halver.send(number)
        await trio.testing.wait_all_tasks_blocked()
        fault = Fault.of_item("halve", 1, 1, ValueError("1 is odd"), "skip")
        (trouble,) = scene.take(network.report(), [fault])
        assert trouble == Trouble(4, 1, "in halve, item 1: 1", "ValueError: 1 is odd (skip)")
        assert scene.take(network.report()) == []
    assert scene.end(network.report(), Ending("done")) == []
    state = state_of(scene)
    assert state["chart"]
    assert state["losses"]["columns"][1]["title"] == "dropped"
    assert scene.timeline is not None
    assert scene.timeline.count >= 3
    assert list(scene.troubles) == [trouble]


async def test_a_fault_has_its_place_and_its_traceback() -> None:
    def fail(item: object) -> None:
        raise KeyError(item)

    failing = Call(fail)
    with pytest.raises(ExceptionGroup) as raised:
        async with Network(failing, name="bad"):
            await failing.send("key")
    ending = Ending.of("failed", raised.value)
    scene = Scene(1, "bad")
    (trouble,) = scene.end(None, ending)
    assert (trouble.where, trouble.error, scene.how) == ("in fail, item 1: 'key'", "KeyError: 'key'", "failed")
    assert trouble.details.startswith("Traceback")
    assert trouble.details.rstrip().endswith("KeyError: 'key'")
    assert scene.state() is None  # its report could not be made


async def test_a_standstill_is_explained() -> None:
    names, ages = UnboundedBuffer[str](name="names"), UnboundedBuffer[int](name="ages")
    pairs = Join(names, ages, name="pairs")
    pairs.link_target(Call(lambda _: None))
    with pytest.raises(ExceptionGroup) as raised:
        async with Network(pairs, name="stuck"):
            await names.send("Ada")  # and no age
    (stalled,) = raised.value.exceptions
    assert isinstance(stalled, Stalled)
    ending = Ending.of("failed", raised.value)
    assert (ending.how, ending.diagnosis) == ("stalled", stalled.diagnosis)
    scene = Scene(1, "stuck")
    scene.end(report_at(1, 1, running=False), ending)
    state = state_of(scene)
    assert state["how"] == "stalled"
    assert state["verdict"].startswith("nothing in network 'stuck' can move any more")
    assert "What would free it" in [section["title"] for section in state["diagnosis"]]


def test_of_a_recording_the_stages_and_the_chart_are_shown() -> None:
    spans = [
        Span("read", "read 1", 1, 0.0, 1.0),
        Span("read", "read 2", 2, 0.0, 2.0, error="it broke"),
        Span("write", "write", 0, 0.0, 1.0, Activity.WAIT_FOR_INPUT),
        Span("write", "write", 1, 1.0, 3.0),
    ]
    recording = Recording.of(spans, network="net", seconds=4.0, links=[("read", "write"), ("write", "nowhere")])
    scene = Scene(3, "net", recording)
    recording.stages = ("read", "write", "nowhere")
    scene.show_recording(recording)
    state = state_of(scene)
    assert (state["how"], state["chart"], state["errors"]) == ("recorded", True, 1)
    assert state["table"]["columns"] == []
    nodes = state["network"]["nodes"]
    assert [(one["id"], one["done"], one["failed"], one["busy"], one["where"]) for one in nodes] == [
        ("read", 1, 1, 0.375, "2 workers"),
        ("write", 1, 0, 0.5, ""),
        ("nowhere", 0, 0, 0.0, ""),
    ]
    assert [one["slowest"] for one in nodes] == [False, True, False]
    assert [(one["from"], one["to"], one["passed"]) for one in state["network"]["links"]] == [
        ("read", "write", 1),
        ("write", "nowhere", 0),
    ]
    assert state["network"]["perItem"] == 4.0


def test_a_recording_without_spans_can_be_shown() -> None:
    recording = Recording()
    scene = Scene(1, "net", recording)
    scene.show_recording(recording)
    assert state_of(scene)["network"]["nodes"] == []


def test_a_standstill_that_a_program_has_raised_itself_is_an_error_like_others() -> None:
    assert Ending.of("failed", Stalled("so", "it is")).how == "failed"


def test_the_end_without_an_error_has_no_errors() -> None:
    assert Ending.of("done", None) == Ending("done")


async def test_cancellations_are_no_errors() -> None:
    caught = list[BaseException]()
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as error:
            caught.append(error)
            raise
    one, two = ValueError("a"), KeyboardInterrupt()
    group = BaseExceptionGroup("all", [one, BaseExceptionGroup("inner", [two, *caught])])
    assert list(leaves(group)) == [one, two]


def test_what_is_not_done_is_told_only_when_the_network_has_ended() -> None:
    diagnosis = Diagnosis("net", ("a holds",), ("b waits",), ("c",), ("a → b", "b → a"), ("more room",))
    titles = [section["title"] for section in sections_of(diagnosis, is_running=False)]
    assert titles == ["In a circle", "What would free it", "Who waits", "Who holds items", "Not done"]
    assert "Not done" not in [section["title"] for section in sections_of(diagnosis, is_running=True)]


def test_long_lists_and_tables_are_cut() -> None:
    (section,) = sections_of(Diagnosis("net", tuple(map(str, range(MOST_LINES + 2))), (), ()), is_running=True)
    assert section["entries"][-1] == "… and 2 more"
    table = table_of(Grid((Column("a\nb", tuple(map(str, range(1, MOST_ROWS + 4)))), Column("c", ("",) * 203))))
    assert table["more"] == 3
    assert [(column["title"], len(column["cells"])) for column in table["columns"]] == [("a b", MOST_ROWS)]
    assert table_of(Grid((Column("a", ("", "0")),))) == {"columns": [], "marked": None, "more": 0}


def test_an_error_that_cannot_be_shown_is_named() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert Fault.of_item("a", 1, None, Broken(), "retry").error == "Broken: … (retry)"


def test_only_the_newest_errors_are_kept() -> None:
    scene = Scene(1, "net")
    fault = attrs.evolve(Ending("failed"), faults=(fault_of_a_value_error(),) * 150)
    new = scene.end(None, fault)
    assert [one.number for one in new] == list(range(1, 151))
    assert [one.number for one in scene.troubles] == list(range(51, 151))


def fault_of_a_value_error() -> Any:
    (fault,) = Ending.of("failed", ValueError("it broke\nreally")).faults
    assert fault.error == "ValueError: it broke"
    return fault
