"""The network as the page shows it: a box for each of the chapter's phases, and everything else smaller."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import trio

from penstock.agents import Plan, PlanStage
from penstock.samples.images.files import find_pictures
from penstock.samples.images.gui.code import code_of
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.live import Live
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.predict import Prediction
from penstock.samples.images.run import run
from penstock.samples.images.settings import Mode
from penstock.samples.images.stop import Stop

PLAN = Plan(
    [PlanStage("load", "noise", workers=2), PlanStage("output")],
    cores=2,
    period=0.02,
    one_core=0.03,
    why="'noise' needs its state, and takes 2 cores an item",
    notes=["assumed, not measured: a lock; give assume_lock= if you know it"],
)


@pytest.mark.parametrize(
    ("mode", "boxes", "small", "apart"),
    [
        (Mode.SEQUENTIAL, ["Load", "Scale", "Filter", "Display"], [], []),
        (Mode.CONTROL_FLOW, ["Load", "Scale", "Filter", "Display"], ["Loaded", "Scaled", "Filtered"], []),
        (Mode.DATA_FLOW, ["Load", "Scale", "Filter", "Display"], ["Move files"], ["Move files"]),
        (
            Mode.LOAD_BALANCED,
            ["Load", "Scale", "Filter 1", "Filter 2", "Display"],
            ["In order", "Move files"],
            ["Move files"],
        ),
        (Mode.PLANNED, ["Stage A ×2", "Stage B"], ["Move files"], ["Move files"]),
    ],
)
async def test_four_phases_are_four_boxes(
    mode: Mode, boxes: list[str], small: list[str], apart: list[str], start: Path, root: Path
) -> None:
    form = Form(mode=mode, size=(64, 48))
    plan = PLAN if mode is Mode.PLANNED else None
    live = Live(1, form, 4, plan=plan)
    await trio.Path(root).mkdir()
    jobs = list_jobs(find_pictures(start))
    live.begin()
    await run(mode, jobs, attrs.evolve(form.settings(root), plan=plan), live, Stop(), watch=live.watch)
    live.end()
    network = live.snapshot().network
    assert sorted(node.label for node in network.nodes if not node.small) == sorted(boxes)
    assert sorted(node.label for node in network.nodes if node.small) == sorted(small)
    assert [node.label for node in network.nodes if node.apart] == apart
    ids = {node.id for node in network.nodes}
    marks = code_of(mode).marks
    assert all(id in marks or id.split()[0] in marks for id in ids)
    assert {link.source for link in network.links} | {link.target for link in network.links} == ids
    assert {link.passed for link in network.links if link.source.split()[0] == "load"} == {4}


async def test_a_stage_of_a_plan_shows_its_phases_and_the_plan_its_promise(start: Path, root: Path) -> None:
    form = Form(mode=Mode.PLANNED, size=(64, 48))
    live = Live(1, form, 4, plan=PLAN)
    await trio.Path(root).mkdir()
    live.begin()
    settings = attrs.evolve(form.settings(root), plan=PLAN)
    await run(Mode.PLANNED, list_jobs(find_pictures(start)), settings, live, Stop(), watch=live.watch)
    live.end()
    snapshot = live.snapshot()
    assert snapshot.prediction == Prediction(0.02, "with 2 processors", by="Plan")
    nodes = {node.id: node for node in snapshot.network.nodes}
    first, second = nodes["load + scale + noise"], nodes["output"]
    assert (first.parts, first.where) == (("Load", "Scale", "Filter"), "2 threads")
    assert (second.parts, second.where) == (("Display",), "1 thread")
    means = {row.id: row.mean or 0.0 for row in snapshot.phases}
    service = means["load"] + means["scale"] + means["noise"]
    assert first.service == pytest.approx(service)
    assert first.slowest is (service / 2 > means["output"])
    assert second.slowest is not first.slowest
    assert snapshot.network.note == (
        "The plan for 2 processors: one image every 20.0 ms, 1.50 times as fast as with one processor. It cannot be "
        "faster: filter needs its state, and takes 2 processors an image. Assumed, not measured: a lock."
    )
    assert [queue.route for queue in snapshot.queues] == ["before load", "stage A → stage B"]
    rows = [row["title"] for row in live.timeline.rows()]
    assert set(rows) <= {"stage A", "stage A 1", "stage A 2", "stage B", "1", "2"}
    assert code_of(Mode.PLANNED).lines[code_of(Mode.PLANNED).marks["load"]].strip().startswith("loader, *others = ")


async def test_one_stage_for_all_and_a_plan_by_hand_promise_nothing(start: Path, root: Path) -> None:
    plan = Plan([PlanStage("load", "output", executor="loop")])
    form = Form(mode=Mode.PLANNED, size=(64, 48))
    live = Live(1, form, 4, plan=plan)
    await trio.Path(root).mkdir()
    live.begin()
    settings = attrs.evolve(form.settings(root), plan=plan)
    await run(Mode.PLANNED, list_jobs(find_pictures(start)), settings, live, Stop(), watch=live.watch)
    live.end()
    snapshot = live.snapshot()
    (box,) = [node for node in snapshot.network.nodes if node.parts]
    assert (box.label, box.where, box.slowest) == ("Stage A", "loop", False)
    assert (snapshot.prediction, snapshot.network.note) == (None, "")
    assert [queue.label for queue in snapshot.queues] == ["Governor"]
