"""Runs healthy networks and looks for false alarms: before the start, in the middle, and at the end."""

from __future__ import annotations

from penstock.blocks.base.diagnosis import Diagnosis

from .harness import Schedule
from .plans import Plan, Run


def check_healthy(plan: Plan, schedule: Schedule, step: int) -> Run:
    """Run a plan; it is not refused, shows no circle at any step of a task, and is not stalled."""
    run = Run(plan, schedule)
    seen: list[Diagnosis | Exception] = []

    def look() -> None:
        network = run.watch.network
        if network is not None and network._run.is_open:
            try:  # what is raised here, trio only logs
                network.check()
                seen.append(network.report().diagnosis)
            except Exception as error:
                seen.append(error)

    run.watch.at_step(step, look)
    run.go()
    run.check()
    for diagnosis in seen:
        assert isinstance(diagnosis, Diagnosis), repr(diagnosis)
        assert not diagnosis.cycle, f"a false alarm:\n{diagnosis}"
        assert not diagnosis.advice
    return run
