"""The stages of a plan as the page shows them: boxes with the phases that they do, rows of the chart, and words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase

import attrs

from penstock.agents import Plan, PlanStage
from penstock.blocks.dashboard import NetworkState, NodeRow
from penstock.samples.images.cut import phases_of, stage_name
from penstock.samples.images.predict import PHASE_LABELS, Prediction
from penstock.samples.images.record import Phase

__all__ = ["CutView"]


class CutView:
    """Shows one plan.

    Args:
        plan: the plan that a run follows.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._phases = phases_of(plan)
        self.names = [stage_name(phases) for phases in self._phases]

    @property
    def prediction(self) -> Prediction | None:
        """The time per image that the plan predicts; None if it was written by hand."""
        if self._plan.period is None:
            return None
        return Prediction(self._plan.period, f"with {_count(self._plan.cores or 1, 'processor')}", by="Plan")

    def row_name(self, text: str) -> str:
        """Return the page's name for a stage or a worker in the chart."""
        for number, name in enumerate(self.names):
            if text.startswith(name):
                return f"stage {ascii_uppercase[number]}{text[len(name) :]}"
        return text

    def network(self, state: NetworkState, means: Mapping[Phase, float]) -> NetworkState:
        """Give the boxes of the stages their phases, and say what the plan promises.

        Args:
            state: the network of the run.
            means: seconds per image in each phase; failed images do not count.
        """
        times = [sum(means.get(phase, 0.0) for phase in phases) for phases in self._phases]
        slowest = self._slowest(times) if len(means) == len(Phase) else None
        nodes = [
            self._stage(node, self.names.index(node.id), times, slowest) if node.id in self.names else node
            for node in state.nodes
        ]
        return attrs.evolve(state, nodes=tuple(nodes), note=self._said())

    def _stage(self, node: NodeRow, number: int, times: Sequence[float], slowest: int | None) -> NodeRow:
        stage, phases = self._plan.stages[number], self._phases[number]
        workers = f" ×{stage.workers}" if stage.workers > 1 else ""
        return attrs.evolve(
            node,
            label=f"Stage {ascii_uppercase[number]}{workers}",
            where=_place_of(stage),
            parts=tuple(PHASE_LABELS[phase] for phase in phases),
            service=times[number] or None,
            slowest=number == slowest,
        )

    def _slowest(self, times: Sequence[float]) -> int | None:
        """Return the number of the slowest stage; None if there is only one."""
        shares = [seconds / stage.workers for seconds, stage in zip(times, self._plan.stages, strict=True)]
        return shares.index(max(shares)) if len(shares) > 1 else None

    def _said(self) -> str:
        plan = self._plan
        if plan.period is None or plan.one_core is None:
            return ""
        gain = plan.one_core / plan.period
        promise = f"one image every {1000 * plan.period:.1f} ms, {gain:.2f} times as fast as with one processor"
        said = [f"The plan for {_count(plan.cores or 1, 'processor')}: {promise}."]
        said += [f"It cannot be faster: {plan.why}."] if plan.why else []
        return _in_words(" ".join([*said, *(f"{note[0].upper()}{note[1:]}." for note in plan.notes)]))


def _place_of(stage: PlanStage) -> str:
    if stage.executor in ("threads", "processes"):
        return _count(stage.workers, *(("thread", "s") if stage.executor == "threads" else ("process", "es")))
    return "loop"


def _count(number: int, noun: str, more: str = "s") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{more}"


def _in_words(text: str) -> str:
    """Use the page's names of phases and items, and leave out advice for programmers."""
    text = text.replace("; give assume_lock= if you know it", "")
    for phase, label in PHASE_LABELS.items():
        text = text.replace(f"{phase.value!r}", label.lower())
    return re.sub(r"\bitem(s?)\b", r"image\1", re.sub(r"\bcore(s?)\b", r"processor\1", text))
