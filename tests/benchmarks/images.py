"""The four phases of the image sample over photographs: in its modes, and in other libraries with the same functions.

Everybody has two workers, hands the images on in their order, and writes the same thumbnails, byte for byte. Pools that
can be kept are started before the clock is. The other libraries get one stage for all four phases, which spares them
three of the four hand-overs that an image makes here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import Pool
from multiprocessing.pool import Pool as PoolType
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import attrs
import trio

from penstock.blocks import Processes, Threads
from penstock.samples.images.observer import Observers
from penstock.samples.images.output import publish
from penstock.samples.images.phases import work_of
from penstock.samples.images.record import ImageInfo, Job, Phase
from penstock.samples.images.run import run
from penstock.samples.images.settings import AtOnce, Mode, Settings
from penstock.samples.images.stop import Stop

from .measuring import Contender, Effort, Row, Timings, WrongResult, compare
from .photographs import photographs

FEW, MANY = 120, 1200
WORKERS = 2
OF_SEQUENTIAL = 0.55
GROWTH = 1.1
OURS = ("data flow", "load balanced")


def all_phases(settings: Settings, job: Job) -> ImageInfo:
    info = work_of(Phase.LOAD, settings)(job)
    for phase in (Phase.SCALE, Phase.NOISE, Phase.OUTPUT):
        info = work_of(phase, settings)(info)
    return info


@attrs.frozen
class Album:
    """Photographs, where their thumbnails go, and what these have to be.

    Attributes:
        pictures: The photographs.
        folder: Has a folder for each contender.
        digests: Of the thumbnails, in order.
    """

    pictures: Sequence[Path]
    folder: Path
    digests: list[str | None] = attrs.Factory(list[str | None])

    def jobs(self, items: int) -> list[Job]:
        return [Job(number, picture) for number, picture in enumerate(self.pictures[:items], start=1)]

    def settings(self, name: str) -> Settings:
        output = self.folder / name
        output.mkdir(exist_ok=True)
        return Settings(output, at_once=AtOnce.all(WORKERS))

    def check(self, name: str, digests: Sequence[str | None]) -> int:
        """The first who comes says what is right."""
        if len(self.digests) < len(digests):
            self.digests[:] = digests
        if list(digests) != self.digests[: len(digests)]:
            raise WrongResult(f"{name}: other thumbnails, or not in their order")
        return len(digests)

    def by_mode(self, mode: Mode, name: str, executor: Executor | None, items: int) -> int:
        """As the sample does it."""
        result = trio.run(run, mode, self.jobs(items), self.settings(name), Observers([]), Stop(), executor)
        return self.check(name, [image.digest for image in result.finished])

    def by_map(self, name: str, ordered_map: Map, items: int) -> int:
        """With a `map` that keeps the order."""
        settings = self.settings(name)
        done = ordered_map(partial(all_phases, settings), self.jobs(items))
        return self.check(name, [publish(info, settings).digest for info in done])


Map = Callable[[Callable[[Job], ImageInfo], list[Job]], Iterable[ImageInfo]]


def spdl_map(work: Callable[[Job], ImageInfo], jobs: list[Job]) -> Iterator[ImageInfo]:
    builder: Any = import_module("spdl.pipeline").PipelineBuilder()
    builder = builder.add_source(jobs).pipe(work, concurrency=WORKERS, output_order="input").add_sink()
    pipeline = builder.build(num_threads=WORKERS)
    with pipeline.auto_stop():
        yield from pipeline


def pypeln_map(kind: str, work: Callable[[Job], ImageInfo], jobs: list[Job]) -> Iterable[ImageInfo]:
    """Sorted at the end: its own stage that puts items in order waits for all of them too."""
    stage: Any = getattr(import_module("pypeln"), kind).map(work, jobs, workers=WORKERS)
    return sorted(stage, key=lambda info: info.sequence)


def peer_maps(threads: ThreadPoolExecutor, pool: PoolType) -> dict[str, Map]:
    """What others have for it, as far as it is installed."""
    maps: dict[str, Map] = {"ThreadPoolExecutor.map": threads.map, "Pool.imap": pool.imap}
    if find_spec("spdl"):
        maps["SPDL"] = spdl_map
    if find_spec("pypeln"):
        maps["pypeln, threads"] = partial(pypeln_map, "thread")
        maps["pypeln, processes"] = partial(pypeln_map, "process")
    return maps


def rows(effort: Effort) -> Iterator[Row]:
    """Compare the modes with the sequential one and with the best of the others; then look at the memory."""
    with photographs(effort.items(FEW, 2)) as pictures:
        yield from speed_rows(pictures, effort)
        yield from memory_rows(pictures, min(effort.rounds, 3))


def speed_rows(pictures: Sequence[Path], effort: Effort) -> Iterator[Row]:
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(WORKERS))  # may fork, so before there are threads
        threads = stack.enter_context(ThreadPoolExecutor(WORKERS))
        ours = stack.enter_context(Processes(WORKERS))
        album = Album(pictures, Path(stack.enter_context(TemporaryDirectory(prefix="penstock-thumbnails-"))))
        maps = peer_maps(threads, pool)
        modes: dict[str, tuple[Mode, Executor | None]] = {
            "sequential": (Mode.SEQUENTIAL, None),
            "data flow": (Mode.DATA_FLOW, Threads(WORKERS)),
            "load balanced": (Mode.LOAD_BALANCED, Threads(WORKERS)),
            "control flow": (Mode.CONTROL_FLOW, None),
            "data flow, processes": (Mode.DATA_FLOW, ours),
        }
        contenders = [
            Contender("plain loop", partial(album.by_map, "plain loop", map)),
            *(Contender(name, partial(album.by_mode, mode, name, crew)) for name, (mode, crew) in modes.items()),
            *(Contender(name, partial(album.by_map, name, ordered)) for name, ordered in maps.items()),
        ]
        timings = compare(f"{len(pictures)} photographs", contenders, len(pictures), effort, perf_counter)
        same_files(album.folder)
    yield from verdicts(timings, list(maps))


def verdicts(timings: Timings, peers: Sequence[str]) -> Iterator[Row]:
    yield timings.row("sequential", unit=1e-3)
    for name in ("plain loop", "control flow", "data flow, processes", *peers):
        yield timings.row(name, "sequential", unit=1e-3)
    for name in OURS:
        yield timings.row(name, "sequential", at_most=OF_SEQUENTIAL, unit=1e-3)
    best = min(peers, key=lambda name: timings.ratio(name, "sequential"))
    for name in OURS:
        yield timings.row(name, best, at_most=1, unit=1e-3)


def same_files(folder: Path) -> None:
    """Compare what the contenders have written."""
    written = {
        entry.name: {path.name: path.read_bytes() for path in entry.iterdir() if path.is_file()}
        for entry in sorted(folder.iterdir())
    }
    expected = written["plain loop"]
    for name, files in written.items():
        if files != expected:
            raise WrongResult(f"{name} has written other files")


def memory_rows(pictures: Sequence[Path], rounds: int) -> Iterator[Row]:
    """The peak of the command's own process, over the same photographs once and ten times."""
    times = MANY // FEW
    is_full = len(pictures) >= 2 * Settings(Path()).governor  # with fewer, the governor has not bounded anything yet
    for executor in ("threads", "processes"):
        what = f"memory, {executor}"
        before, after = (
            median(peak_of_command(pictures[0].parent, executor, repeat) for _ in range(rounds))
            for repeat in (1, times)
        )
        growth = after / before
        yield Row(what, f"{len(pictures)} images", f"{before / 1024:,.0f} MiB peak")
        value, who = f"{after / 1024:,.0f} MiB peak", f"{len(pictures) * times} images"
        if is_full:
            yield Row(what, who, value, growth, "a tenth of it", f"≤ {GROWTH:g} ×", growth <= GROWTH)
        else:
            yield Row(what, who, value, growth, "a tenth of it")


# What `getrusage` says is at least the peak of the process that has started this one; the system's own figure is not.
CHILD = """
import resource, sys
from pathlib import Path
from penstock.samples.images.__main__ import main

if __name__ == "__main__":
    status = main(sys.argv[1:])
    known = Path("/proc/self/status")
    if known.exists():
        print("peak", *[line.split()[1] for line in known.read_text().splitlines() if line.startswith("VmHWM")])
    else:
        print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1))
    sys.exit(status)
"""


def peak_of_command(folder: Path, executor: str, repeat: int) -> int:
    """The KiB that the main process had in memory at most."""
    with TemporaryDirectory(prefix="penstock-thumbnails-") as output:
        script = Path(output) / "child.py"
        script.write_text(CHILD)
        options = ["--executor", executor, "--workers", str(WORKERS), "--repeat", str(repeat), "--output", output]
        command = [sys.executable, str(script), str(folder), *options]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.rsplit("peak ", 1)[1])
