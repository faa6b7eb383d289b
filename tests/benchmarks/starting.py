"""The processor time of a start: of the import of Penstock, and of two worker processes until their first answers.

Each contender is a program of its own. All processes that a program starts count, also those that outlive it for a
moment, such as the tracker and the fork server of `multiprocessing`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from .measuring import Contender, Effort, Row, Timings, WrongResult, compare

STARTS = 3
"""How often each program is started per round."""
IMPORTS = {
    "trio": "import trio",
    "penstock.blocks": "import penstock.blocks, trio",
    "a network": "from penstock.blocks import Call, Network, Transformer",
    "all names": "from penstock.blocks import *",
}
LAUNCHER = """
import ctypes, os, resource, subprocess, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what outlives the program is waited for here
code = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
try:
    while True:
        os.wait()
except ChildProcessError:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime)
sys.exit(code)
"""
PROGRAM = """
{top}
def double(x):
    return 2 * x

def answers():
    {body}

if __name__ == "__main__":
    assert list(answers()) == [2, 4]
"""
IMPORT = "from penstock.blocks import Call, Network, Processes, Transformer"
POOL = """import multiprocessing
    with multiprocessing.get_context({!r}).Pool(2) as pool:
        return pool.map(double, [1, 2], 1)"""
DEATHS = 5
"""How many workers of the second contender die and are replaced."""
REPLACED = "a worker replaced"
CREWS = {
    "Processes": f"{IMPORT}\n    with Processes(2) as crew:\n        return list(crew.map(double, [1, 2]))",
    REPLACED: f"""import os
    {IMPORT}
    with Processes(2) as crew:
        for _ in range({DEATHS}):
            assert crew.submit(os._exit, 3).exception() is not None
        return list(crew.map(double, [1, 2]))""",
    "Pool, spawn": POOL.format("spawn"),
    "Pool, fork": POOL.format("fork"),
    "loky": "import loky\n    with loky.ProcessPoolExecutor(2) as pool:\n        return list(pool.map(double, [1, 2]))",
}


class Total:
    """The clock: the processor time of all programs so far."""

    def __init__(self) -> None:
        self.seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    def run(self, arguments: list[str], starts: int) -> int:
        """Start a program again and again."""
        for _ in range(starts):
            done = subprocess.run([sys.executable, "-c", LAUNCHER, *arguments], capture_output=True, text=True)
            if done.returncode:
                raise WrongResult(done.stderr)
            self.seconds += float(done.stdout)
        return starts


def rows(effort: Effort) -> Iterator[Row]:
    """Compare imports with that of trio, and the start of two processes with the pools of others."""
    clock = Total()
    starts = effort.items(STARTS, 1)
    contenders = [Contender(name, partial(clock.run, ["-c", text])) for name, text in IMPORTS.items()]
    timings = compare("import", contenders, starts, effort, clock)
    yield timings.row("trio", unit=1e-3)
    for name in [*IMPORTS][1:]:
        yield over(timings, name, 25.0 if name == "penstock.blocks" else None)
    with TemporaryDirectory() as folder:
        for what, top, most in (("imported at the top", IMPORT, 200.0), ("imported in a function", "", 160.0)):
            yield from crew_rows(Path(folder), what, top, most, starts, effort)


def over(timings: Timings, name: str, most: float | None) -> Row:
    """A line that says how much more than trio alone something takes to import."""
    extra = 1e3 * (timings.median(name) - timings.median("trio"))
    value, ratio = f"{extra:+.1f} ms over trio", timings.ratio(name, "trio")
    if most is None:
        return Row("import", name, value, ratio, "trio")
    return Row("import", name, value, ratio, "trio", f"≤ {most:+g} ms", extra <= most)


def crew_rows(folder: Path, what: str, top: str, most: float, starts: int, effort: Effort) -> Iterator[Row]:
    """Start two processes, and end them after an answer of each; what the program takes without them is subtracted."""
    clock = Total()
    contenders: list[Contender] = []
    alone = {"the program alone": f"{IMPORT}\n    return [2, 4]" if top else "return [2, 4]"}
    for name, body in (alone | CREWS).items():
        if (name != "loky" or find_spec("loky") is not None) and (name != "Pool, fork" or sys.platform == "linux"):
            path = folder / f"{len(contenders)}_{bool(top):d}.py"
            path.write_text(PROGRAM.format(top=top, body=body), "utf-8")
            contenders.append(Contender(name, partial(clock.run, [str(path)])))
    timings = compare(f"two processes, {what}", contenders, starts, effort, clock)
    base, crew = (1e3 * timings.median(name) for name in ("the program alone", "Processes"))
    yield timings.row("the program alone", unit=1e-3)
    pool = 1e3 * timings.median("Pool, spawn") - base
    for contender in contenders[1:]:
        extra = 1e3 * timings.median(contender.name) - base
        row = Row(timings.what, contender.name, f"{extra:+.1f} ms over it", extra / pool, "Pool, spawn")
        if contender.name == "Processes":
            row = attrs.evolve(row, target=f"≤ {most:+g} ms", is_met=extra <= most)
        elif contender.name == REPLACED:
            extra = (base + extra - crew) / DEATHS
            row = Row(timings.what, REPLACED, f"{extra:+.1f} ms each", target="≤ +40 ms", is_met=extra <= 40)
        yield row
