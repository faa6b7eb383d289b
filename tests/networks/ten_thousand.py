"""Runs thousands of generated networks, healthy and wedged: `python tests/networks/ten_thousand.py [count]`.

No healthy one may raise an alarm, and every wedged one must be found, with its culprit. What the other tests look at
after each step is left out, which takes half of the time. It takes one core. The first network that is judged wrongly
is printed, with what repeats it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.networks.harness import SCHEDULES, Schedule, Watch
from tests.networks.healthy_runs import check_healthy
from tests.networks.plans import Plan
from tests.networks.strategies import plans
from tests.networks.wedged_runs import HEALTHY_PARTS, Healthy, check_cure, check_wedge
from tests.networks.wedges import WEDGES

AT_ONCE = 500
"""Hypothesis keeps all that it has tried in a run, so there are several."""
done: Counter[str] = Counter()


def healthy(plan: Plan, schedule: Schedule, step: int) -> None:
    check_healthy(plan, schedule, step)
    done["healthy"] += 1


def healthy_with_threads(plan: Plan, schedule: Schedule, step: int) -> None:
    check_healthy(plan, schedule, step)
    done["healthy, with threads"] += 1


def wedged(wedge: str, part: Healthy, seed: int, schedule: Schedule) -> None:
    check_wedge(wedge, part, seed, schedule)
    done["wedged"] += 1


def cured(wedge: str, part: Healthy, seed: int, schedule: Schedule) -> None:
    rounds = check_cure(wedge, part, seed, schedule)
    done[f"cured, advice followed {rounds} times"] += 1


STRATEGIES: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "healthy": (st.one_of(plans(), plans(trouble="handled")), SCHEDULES, st.integers(0, 400)),
    "healthy_with_threads": (plans(trouble="handled", threads=True), SCHEDULES, st.integers(0, 400)),
    "wedged": (st.sampled_from(WEDGES), HEALTHY_PARTS, st.integers(0, 1_000_000), SCHEDULES),
    "cured": (st.sampled_from(WEDGES), HEALTHY_PARTS, st.integers(0, 1_000_000), SCHEDULES),
}


def many(part: Callable[..., None], number: int) -> None:
    """Run this many cases of one kind."""
    options = settings(
        max_examples=number,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
        report_multiple_bugs=False,
    )
    options(given(*STRATEGIES[part.__name__])(part))()


def main(count: int, which: list[str]) -> None:
    """Run this many cases of each kind, and print how long it took."""
    Watch.checks_each_step = False
    parts: list[tuple[Callable[..., None], int]] = [
        (healthy, count - count // 20),
        (healthy_with_threads, count // 20),
        (wedged, count),
        (cured, count // 10),
    ]
    for part, number in parts:
        if not which or part.__name__ in which:
            start = time.perf_counter()
            for first in range(0, number, AT_ONCE):
                many(part, min(AT_ONCE, number - first))
            print(f"{part.__name__}: {number} in {time.perf_counter() - start:.0f} s", flush=True)
    for name, number in sorted(done.items()):
        print(f"{number:>6} {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, sys.argv[2:])
