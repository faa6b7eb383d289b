"""The picture of a recipe, which a notebook displays."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.blocks.core.nodes import parts_of
from penstock.blocks.reports.graph_svg import draw_network
from penstock.blocks.reports.network_diagram import planned_diagram

from .steps import Step, make_all


def draw(steps: Sequence[Step]) -> str:
    """Return the picture of the blocks that some steps make, as the text of an SVG file."""
    blocks = make_all(steps).blocks if steps else ()
    return draw_network(planned_diagram("pipeline", parts_of("pipeline", blocks)), "pipeline")
