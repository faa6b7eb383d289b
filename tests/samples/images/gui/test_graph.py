"""The network as the page shows it: a box for each of the chapter's phases, and everything else smaller."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from penstock.samples.images.files import find_pictures
from penstock.samples.images.gui.code import code_of
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.live import Live
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.run import run
from penstock.samples.images.settings import Mode
from penstock.samples.images.stop import Stop


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
    ],
)
async def test_four_phases_are_four_boxes(
    mode: Mode, boxes: list[str], small: list[str], apart: list[str], start: Path, root: Path
) -> None:
    form = Form(mode=mode, size=(64, 48))
    live = Live(1, form, 4)
    await trio.Path(root).mkdir()
    jobs = list_jobs(find_pictures(start))
    live.begin()
    await run(mode, jobs, form.settings(root), live, Stop(), watch=live.watch)
    live.end()
    network = live.snapshot().network
    assert sorted(node.label for node in network.nodes if not node.small) == sorted(boxes)
    assert sorted(node.label for node in network.nodes if node.small) == sorted(small)
    assert [node.label for node in network.nodes if node.apart] == apart
    ids = {node.id for node in network.nodes}
    marks = code_of(mode).marks
    assert all(id in marks or id.split()[0] in marks for id in ids)
    assert {link.source for link in network.links} | {link.target for link in network.links} == ids
    assert {link.passed for link in network.links if link.source == "load"} == {4}
