"""The code that the page shows beside the network."""

from __future__ import annotations

import pytest

from penstock.samples.images.gui.code import code_of
from penstock.samples.images.settings import Mode


@pytest.mark.parametrize(
    ("mode", "file", "node", "text"),
    [
        (Mode.SEQUENTIAL, "sequential.py", "noise", "for phase in (Phase.SCALE, Phase.NOISE, Phase.OUTPUT):"),
        (Mode.CONTROL_FLOW, "control_flow.py", "noise", "PhaseAgent(Phase.NOISE, scaled, noisy, line),"),
        (Mode.CONTROL_FLOW, "control_flow.py", "scaled", 'scaled = UnboundedBuffer[ImageInfo](name="scaled")'),
        (Mode.DATA_FLOW, "data_flow.py", "publish", "publisher = stages.publish()"),
        (
            Mode.LOAD_BALANCED,
            "load_balanced.py",
            "noise",
            "filterers = [stages.filter(number) for number in range(1, settings.filters + 1)]",
        ),
    ],
)
def test_a_node_has_the_line_that_makes_it(mode: Mode, file: str, node: str, text: str) -> None:
    code = code_of(mode)
    assert code.file == file
    assert code.lines[0].startswith("async def run_")
    assert code.lines[code.marks[node]].strip() == text
