"""Processes that a function in a worker process starts: they are possible, and end with the worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.blocks import Network, Processes, Transformer, WorkerDied
from penstock.blocks.executors import process_group
from penstock.blocks.executors.fork_servers import fork_servers
from penstock.blocks.executors.process_group import OwnGroup, end_group
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import contents, linked, run

pytestmark = pytest.mark.skipif(not hasattr(os, "setpgid"), reason="the system has no groups of processes")


@pytest.fixture(autouse=True, params=["forked", "spawned"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the workers are started."""
    monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
    monkeypatch.setattr(fork_servers, "is_refused", request.param == "spawned")
    way: str = request.param
    return way


class Children:
    """The named pipe that the children of a worker hold open."""

    def __init__(self, folder: Path) -> None:
        self.path = functions.named_pipe(folder)
        self._handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self._handle, True)

    def wait_for_two(self, times: int = 1) -> None:
        """Wait until both run, of this number of calls."""
        found = b""
        while len(found) < 2 * times:
            found += os.read(self._handle, 1)
        assert sorted(found) == sorted(b"mp" * times)

    def wait_for_their_end(self) -> None:
        """Wait until no process holds the pipe open."""
        assert os.read(self._handle, 1) == b""

    def close(self) -> None:
        os.close(self._handle)


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    children = Children(tmp_path)
    yield children
    children.close()


def test_they_end_with_the_worker_at_its_orderly_end(children: Children) -> None:
    with Processes(1) as executor:
        executor.submit(functions.start_children, str(children.path)).result(SECONDS)
        children.wait_for_two()
    children.wait_for_their_end()


def test_they_end_when_the_worker_is_killed(children: Children) -> None:
    with Processes(1) as executor:
        pid = executor.submit(functions.start_children, str(children.path)).result(SECONDS)
        children.wait_for_two()
        os.kill(pid, signal.SIGKILL)
        executor.submit(abs, 1).exception(SECONDS)  # here, at the latest, the death is noticed
        children.wait_for_their_end()


def test_they_end_when_the_worker_dies_in_a_call(children: Children) -> None:
    with Processes(1) as executor:
        executor.submit(functions.start_children, str(children.path)).result(SECONDS)
        children.wait_for_two()
        assert isinstance(executor.submit(functions.die, 3).exception(SECONDS), WorkerDied)
        children.wait_for_their_end()


async def test_they_end_when_the_network_kills_the_worker(children: Children, real_time: None) -> None:
    executor = Processes(1, abandon_on_cancel=True)
    block: Transformer[str, Any] = Transformer(functions.start_children_and_stay, executor=executor)
    linked(block)
    async with Network(block) as network:
        await block.send(str(children.path))
        await trio.to_thread.run_sync(children.wait_for_two)
        network.cancel()
    await trio.to_thread.run_sync(children.wait_for_their_end)


PROGRAM = """
import multiprocessing, sys
sys.path.insert(0, sys.argv[1])
from penstock.blocks import Processes
from tests.blocks.executors.process_functions import start_children, start_children_and_stay

if __name__ == "__main__":
    if sys.argv[3] == "spawned":
        multiprocessing.set_start_method("spawn")
    executor = Processes(1).__enter__()
    executor.submit(start_children, sys.argv[2]).result()
    if sys.argv[4] == "busy":
        executor.submit(start_children_and_stay, sys.argv[2])
    sys.stdin.read()
"""


@contextmanager
def program(tmp_path: Path, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a program that has a worker with children."""
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, str(script), functions.ROOT, *arguments],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        yield process


@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, None])
def test_they_end_with_the_program_however_it_ends(
    tmp_path: Path, children: Children, way: str, number: int | None, state: str
) -> None:
    with program(tmp_path, str(children.path), way, state) as process:
        children.wait_for_two(1 + (state == "busy"))
        if number is None:
            process.communicate()
        else:
            process.send_signal(number)
        children.wait_for_their_end()


async def test_a_function_may_use_processes_of_its_own(real_time: None) -> None:
    block = Transformer(functions.sum_of_squares, executor=Processes(2), concurrency=2)
    results = linked(block)
    await run(block, [3, 4])
    assert contents(results) == [5, 14]


def test_a_worker_is_no_daemon_of_multiprocessing() -> None:
    with Processes(1, name="pool") as executor:
        name, is_daemon, _ = executor.submit(functions.identity, 0).result(SECONDS)
    assert (name, is_daemon) == ("Processes 'pool' worker 1", False)


# The group alone


class System:
    """Stands for the functions of the system."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def setpgid(self, *arguments: int) -> None:
        self.calls.append(("setpgid", *arguments))

    def killpg(self, *arguments: int) -> None:
        self.calls.append(("killpg", *arguments))

    def _exit(self, code: int) -> None:
        self.calls.append(("exit", code))


def test_a_group_is_ended_by_its_leader_only(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    monkeypatch.setattr(process_group, "os", system)
    group = OwnGroup()
    group.end()
    assert system.calls == [("exit", 1)]
    group.lead()
    group.end()
    assert system.calls[1:] == [("setpgid", 0, 0), ("killpg", 0, signal.SIGKILL), ("exit", 1)]


@pytest.mark.parametrize("number", [-1, 0, 1])
def test_what_is_no_worker_has_no_group(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    monkeypatch.setattr(process_group, "os", system)
    end_group(number)
    assert system.calls == []


def test_a_group_that_is_not_there_is_no_error() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    os.waitpid(pid, 0)
    end_group(pid)
