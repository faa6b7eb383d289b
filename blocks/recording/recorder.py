"""Has a network write into a recording."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..base.names import BODY
from ..reports.link_statistics import find_links
from .recording import Recording
from .routes import Routes
from .stage_order import between, in_order
from .tracer import Tracer

if TYPE_CHECKING:
    from ..network import Network


def start_recording(network: Network, recording: Recording) -> Tracer:
    """Begin.

    Raises:
        ValueError: The recording is of another run.
    """
    if recording.network or recording.spans:
        raise ValueError(
            f"network {network.name!r}: {recording!r} is of a run already; make another Recording for this one"
        )
    recording.network = network.name
    return Tracer(recording, Routes(partial(routes_of, network), partial(links_made, network)))


def note_stages(network: Network, recording: Recording) -> None:
    """Note what may become a stage, for those who look at the recording while the network runs."""
    links, stages = routes_of(network)
    recording.stages = tuple(
        node for node in in_order([BODY, *(node.name for node in network._nodes)], links) if node in stages
    )
    recording.links = tuple(between(recording.stages, links))


def end_recording(network: Network, recording: Recording, tracer: Tracer) -> None:
    """Note how long the network has run, and what its stages are."""
    recording.seconds = tracer.seconds()
    links = links_of(network)
    busy = {span.stage for span in recording.spans}
    stages = [node for node in in_order([BODY, *(node.name for node in network._nodes)], links) if node in busy]
    recording.stages = tuple(stages)
    recording.links = tuple(between(stages, links))


def routes_of(network: Network) -> tuple[dict[str, list[str]], set[str]]:
    """The links of a network, and the names of its stages: of all that make something else of an item."""
    stages = {agent.name for agent in network._agents} | {BODY}
    stages |= {block.name for block in network.blocks if hasattr(block, "_effort")}
    return links_of(network), stages


def links_made(network: Network) -> int:
    """How many links there are; when it is another number, something was linked or unlinked."""
    return len(network._nodes) + sum(len(outbox.links) for block in network.blocks for outbox in block._outs())


def links_of(network: Network) -> dict[str, list[str]]:
    """Which block, agent or body feeds which, by name."""
    feeds: dict[str, list[str]] = {}
    for link in find_links(network, network.statistics()):
        feeds.setdefault(link.source or BODY, []).append(link.target or BODY)
    return feeds
