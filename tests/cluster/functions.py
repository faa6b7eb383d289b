"""What the tests have done by workers; the workers import it."""

import os
import signal
import threading
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from penstock.agents.runtime import worker_runtime
from penstock.blocks import worker_state

SECONDS = 60.0


def tenfold(number: int) -> int:
    return number * 10


def not_two(number: int) -> int:
    if number == 2:
        raise ValueError("not two")
    return number


def identity(item: Any) -> Any:
    return item


def new_name(item: object) -> str:
    """Another one each time."""
    del item
    return os.urandom(8).hex()


def process(item: object) -> int:
    del item
    return os.getpid()


def lock_for_two(number: int) -> Any:
    return threading.Lock() if number == 2 else number


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_the_first_time(path: Path) -> int:
    """Note each call in a file; end the process in the first."""
    if note(path) == 1:
        die()
    return len(calls(path))


def die_of_two(number: int) -> int:
    if number == 2:
        die()
    return number


def note(path: Path) -> int:
    """Note a call in a file; give how many there are."""
    with path.open("a") as file:
        file.write("x")
    return len(path.read_text())


def note_and_make(work: tuple[Path, int]) -> bytes:
    """Note a call; return this many bytes."""
    path, size = work
    note(path)
    return bytes(size)


def wait_for_file(folder: Path) -> str:
    """Say that the call has begun, and wait until it is allowed to end."""
    note(folder / "begun")
    end = monotonic() + SECONDS
    while not (folder / "go").exists() and monotonic() < end:
        sleep(0.005)
    return "went"


class Counting:
    """Counts its calls, in each process by itself."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, item: object) -> int:
        del item
        self.calls += 1
        return self.calls


def make(size: int) -> bytes:
    return bytes(size)


def twice(data: bytes) -> bytes:
    return data + data


def size(data: bytes) -> int:
    return len(data)


def add(pair: tuple[int, int]) -> int:
    return sum(pair)


def calls(path: Path) -> str:
    """One letter for each call that was noted."""
    return path.read_text() if path.exists() else ""


def fail_the_first_time(path: Path) -> int:
    if note(path) == 1:
        raise ValueError("the first time")
    return len(calls(path))


def add_pairs(pairs: list[tuple[int, int]]) -> list[int]:
    return [sum(pair) for pair in pairs]


def load() -> dict[str, int]:
    """A state that tells in which process it was made, and how often it was used."""
    return {"process": os.getpid(), "uses": 0}


def use_state(item: int) -> tuple[int, int, int]:
    """The process of the state, the process of the call, and the number of uses."""
    sleep(0.005)
    state = worker_state()
    state["uses"] += 1
    return state["process"], os.getpid(), state["uses"]


def broken_load() -> None:
    raise KeyError("model")


def in_runtime(number: int) -> int:
    runtime = worker_runtime()
    return runtime.submit(sum, [runtime.submit(identity, number), number]).get(SECONDS)


def count_runtimes() -> int:
    return len(import_module("penstock.agents.runtime.dask_plugin").runtimes)
