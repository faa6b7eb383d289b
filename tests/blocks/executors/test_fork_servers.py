"""Fork servers with real processes: who shares one, when there is another one or none, and what programs see of it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe, active_children
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from penstock.blocks import WorkerDied
from penstock.blocks.executors import fork_servers, process_backend, process_child
from penstock.blocks.executors.fork_servers import ForkServer, ForkServers, has_handles
from penstock.blocks.executors.forked_process import CannotFork, ForkedProcess
from penstock.blocks.executors.process_backend import ProcessBackend
from penstock.blocks.executors.work import Task
from penstock.blocks.executors.worker import NotStarted
from penstock.blocks.executors.worker_options import WorkerOptions
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.process_functions import SECONDS

pytestmark = pytest.mark.skipif(not has_handles(), reason="the system has no handles of processes")
WHO = "Processes 'pool'"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServers]:
    """The fork servers of the test alone."""
    servers = ForkServers()
    monkeypatch.setattr(process_backend, "fork_servers", servers)
    monkeypatch.setattr(process_child, "fork_servers", servers)
    monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
    yield servers
    assert servers._servers == []


@pytest.fixture
def backends(servers: ForkServers) -> Iterator[list[ProcessBackend]]:
    """Two backends, which are closed."""
    backends = [ProcessBackend(WorkerOptions(WHO), number) for number in (1, 2)]
    yield backends
    for backend in backends:
        backend.close()


def ask(backend: ProcessBackend, function: Any, item: Any = None) -> Any:
    """Have a worker call a function."""
    outcome = backend.perform(Task(function), [item])
    for _, error in outcome.failures:
        raise error
    return outcome.results[0]


def test_workers_are_forked_from_one_server_which_ends_with_the_last_of_them(
    servers: ForkServers, backends: list[ProcessBackend]
) -> None:
    before = set(active_children())
    parents = [ask(backend, functions.parent_number) for backend in backends]
    (server,) = servers._servers
    assert parents == [server.process.pid] * 2
    assert set(active_children()) - before == {server.process}
    backends[0].close()
    assert server.is_alive()
    backends[1].close()
    assert server.process.exitcode == 0
    assert set(active_children()) == before


def test_a_replaced_worker_is_forked_from_the_same_server(servers: ForkServers, backends: list[ProcessBackend]) -> None:
    backend = backends[0]
    first = ask(backend, functions.parent_number)
    with pytest.raises(WorkerDied, match="exit code 3"):
        ask(backend, functions.die, 3)
    assert ask(backend, functions.parent_number) == first
    assert len(servers._servers) == 1


def test_a_worker_has_the_name_and_the_parent_that_a_process_of_multiprocessing_has(
    backends: list[ProcessBackend],
) -> None:
    assert ask(backends[1], functions.identity) == (f"{WHO} worker 2", False, os.getpid())


def test_two_workers_have_different_random_numbers(backends: list[ProcessBackend]) -> None:
    assert ask(backends[0], functions.random_numbers) != ask(backends[1], functions.random_numbers)


def test_if_what_a_process_gets_has_changed_there_is_another_server(
    servers: ForkServers, backends: list[ProcessBackend], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = ask(backends[0], functions.parent_number)
    monkeypatch.setenv("PENSTOCK_OF_A_TEST", "new")
    monkeypatch.chdir(tmp_path)
    assert ask(backends[1], os.getenv, "PENSTOCK_OF_A_TEST") == "new"
    assert ask(backends[1], functions.folder) == str(tmp_path)
    assert ask(backends[0], os.getenv, "PENSTOCK_OF_A_TEST") is None
    assert first == ask(backends[0], functions.parent_number) != ask(backends[1], functions.parent_number)
    assert len(servers._servers) == 2


def test_an_old_server_without_workers_is_ended_when_there_is_another_one(
    servers: ForkServers, backends: list[ProcessBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        monkeypatch.setenv("PENSTOCK_OF_A_TEST", str(number))
        assert ask(backends[0], os.getenv, "PENSTOCK_OF_A_TEST") == str(number)
        with pytest.raises(WorkerDied):
            ask(backends[0], functions.die, 3)
    assert len(servers._servers) == 1


def test_a_worker_that_was_starting_when_its_backend_was_closed_leaves_no_server(
    servers: ForkServers, backends: list[ProcessBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(active_children())
    backend, start = backends[0], servers.start

    def start_late(*arguments: Any) -> ForkedProcess:
        backend.kill()
        backend.close()
        return start(*arguments)

    monkeypatch.setattr(servers, "start", start_late)
    with pytest.raises(NotStarted):
        backend.open()
    assert servers._servers == []
    assert set(active_children()) == before


def test_if_the_server_is_killed_its_workers_go_on_and_others_get_a_new_one(
    servers: ForkServers, backends: list[ProcessBackend]
) -> None:
    pid = ask(backends[0], functions.process_number)
    (server,) = servers._servers
    server.process.kill()
    assert server.exit_code() == -signal.SIGKILL
    assert ask(backends[0], functions.process_number) == pid
    assert ask(backends[1], functions.parent_number) != server.process.pid
    with pytest.raises(WorkerDied, match="exit code unknown"):
        ask(backends[0], functions.die, 3)
    assert ask(backends[0], functions.process_number) != pid


def test_a_server_that_is_killed_while_it_starts_is_started_again(
    servers: ForkServers, backends: list[ProcessBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ForkServer.request
    killed: list[ForkServer] = []

    def request_and_kill(self: ForkServer, *args: Any) -> None:
        request(self, *args)
        if not killed:
            self.process.kill()
            killed.append(self)

    monkeypatch.setattr(ForkServer, "request", request_and_kill)
    assert ask(backends[0], functions.parent_number) != killed[0].process.pid
    assert len(servers._servers) == 1


def test_a_request_to_a_server_that_has_just_ended_goes_to_a_new_one(
    servers: ForkServers, backends: list[ProcessBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(backends[0], functions.parent_number)
    (server,) = servers._servers
    server.process.kill()
    assert wait([server._handle], SECONDS)
    monkeypatch.setattr(server, "is_alive", lambda: True)
    assert ask(backends[1], functions.parent_number) != server.process.pid
    monkeypatch.undo()
    servers.end()


def test_a_server_that_still_imports_the_main_module_is_ended_at_once(servers: ForkServers) -> None:
    ours, theirs = Pipe()
    process = servers.start("worker", ours, theirs, ())
    (server,) = servers._servers
    assert server.process.pid is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    servers.enter()
    servers.leave()
    assert server.process.exitcode == -signal.SIGKILL
    for each in (ours, theirs, process):
        each.close()


def test_a_server_that_does_not_end_is_killed(servers: ForkServers, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = ProcessBackend(WorkerOptions(WHO))
    backend.open()
    (server,) = servers._servers
    assert server.process.pid is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    monkeypatch.setattr(fork_servers, "GRACE", 0.0)
    monkeypatch.setattr(process_child, "GRACE", 0.0)
    backend.close()
    server.process.join()
    assert server.process.exitcode == -signal.SIGKILL


def test_if_the_server_cannot_fork_processes_are_spawned(
    servers: ForkServers, backends: list[ProcessBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ForkedProcess) -> None:
        raise CannotFork

    monkeypatch.setattr(ForkedProcess, "begin", fail)
    assert [ask(backend, functions.parent_number) for backend in backends] == [os.getpid()] * 2
    assert servers.is_refused
    assert len(servers._servers) == 1


def test_in_a_forked_child_a_worker_belongs_to_the_parent(servers: ForkServers) -> None:
    backend = ProcessBackend(WorkerOptions(WHO))
    backend.open()
    child = backend._child
    assert child is not None
    child.begin_anew()
    assert child.reap() == "it is the parent's"
    backend.close()
    assert servers._servers == []


def test_in_a_forked_child_there_are_none(servers: ForkServers) -> None:
    backend = ProcessBackend(WorkerOptions(WHO))
    backend.open()
    (server,) = servers._servers
    try:
        servers.begin_anew()
        assert (servers._servers, servers._users) == ([], 0)
        assert server.control.fileno() == -1
        assert server.process not in active_children()
        server.process.join()  # it sees that the parent has gone
    finally:
        backend.close()


def test_a_server_or_a_request_that_fails_leaves_nothing_open(
    servers: ForkServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, "no handles")

    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", fail)
    ours, theirs = Pipe()
    with ours, theirs, pytest.raises(OSError, match="no handles"):
        servers.start("worker", ours, theirs, ())
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM])
def test_without_handles_of_processes_they_are_spawned(error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = ForkServers()
    assert servers.are_possible()

    def fail(pid: int) -> int:
        raise OSError(error, "no")

    monkeypatch.setattr(os, "pidfd_open", fail)
    assert not servers.are_possible()
    monkeypatch.undo()
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "spawn")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert not servers.are_possible()


# Programs

HEAD = """
import os, sys, threading
from penstock.blocks import Processes

def parent(_=None):
    return os.getppid()
"""
END = """
if __name__ == "__main__":
    with Processes(2) as pool:
        print(pool.submit(parent).result(60) == os.getpid())
"""
IS_FORKED, IS_SPAWNED = ("False\n", "", 0), ("True\n", "", 0)


def run(*command: str, text: str = "", folder: Path | None = None) -> tuple[str, str, int]:
    """What a program prints and returns."""
    done = subprocess.run(
        [sys.executable, *command], input=text, capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    return done.stdout, done.stderr, done.returncode


OF_NUMPY = "import numpy\nsquare = numpy.ones((400, 400))\nsquare @ square\n"
THREADS = "release = threading.Event()\nthreading.Thread(target=release.wait, daemon=True).start()\n"
CHOICE = "import multiprocessing\nmultiprocessing.set_start_method('spawn', force=True)\n"


@pytest.mark.parametrize(
    ("middle", "result"), [("", IS_FORKED), (OF_NUMPY, IS_FORKED), (THREADS, IS_SPAWNED), (CHOICE, IS_SPAWNED)]
)
def test_a_program_whose_main_module_starts_threads_or_that_says_so_has_spawned_processes(
    middle: str, result: tuple[str, str, int], tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(HEAD + middle + END)
    assert run("-W", "error", str(script)) == result


def test_what_the_main_module_prints_is_printed_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{HEAD}\nprint(__name__)\n{END}")
    out, error, code = run(str(script))
    assert sorted(out.splitlines()) == ["False", "__main__", "__mp_main__"]
    assert (error, code) == ("", 0)


LITTLE = """
import sys

def told(item=None):
    loaded = {name for name in ("rich", "trio") if name in sys.modules}
    rooms = {name.split(".")[2] for name in sys.modules if name.startswith("penstock.blocks.")}
    print(*sorted(loaded | rooms - {"base", "executors", "functions"}), flush=True)
    return [item]

def main():
    import trio
    from penstock.blocks import Call, Filter, Network, Processes, Recording, TransformMany, Transformer

    async def run(block, recording=None):
        block.link_target(Call(lambda item: None))
        async with Network(block, recording=recording):
            await block.send(1)

    with Processes(1) as pool:
        pool.submit(told).result(60)
        trio.run(run, Transformer(told, executor=pool))
        trio.run(run, TransformMany(told, executor=pool, at_end=told))
        trio.run(run, Filter(told, executor=pool))
        trio.run(run, Transformer(told, executor=pool, time_limit=20), Recording())

if __name__ == "__main__":
    main()
"""


def test_a_worker_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(LITTLE)
    assert run(str(script)) == ("\n" * 6, "", 0)


AT_EXIT = """
import atexit
atexit.register(lambda: __name__ == "__main__" or print("at exit", os.getppid() == server))
if __name__ == "__main__":
    with Processes(1) as pool:
        print(pool.submit(parent).result(60) == os.getpid())
else:
    server = os.getpid()
"""


def test_what_the_main_module_registers_for_the_exit_is_done_by_each_worker_and_not_by_the_server(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.py"
    script.write_text(HEAD + AT_EXIT)
    out, error, code = run(str(script))
    assert sorted(out.splitlines()) == ["False", "at exit True"]
    assert (error, code) == ("", 0)


def test_a_module_can_be_run_and_a_program_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "tool.py").write_text(HEAD + END)
    assert run("-m", "package.tool", folder=tmp_path) == IS_FORKED
    simple = HEAD.partition("def")[0] + END.replace("parent", "os.getppid")
    assert run("-c", simple) == IS_FORKED
    _, error, code = run("-", text=simple)
    assert code == 1
    assert "is not a file (it is piped in)" in error


BROKEN = """
if __name__ == "__main__":
    print("begun")
    with Processes(2) as pool:
        futures = [pool.submit(parent) for _ in range(2)]
        print({type(future.exception(60)).__name__ for future in futures})
else:
    raise ValueError("not here")
"""


def test_a_main_module_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(HEAD + BROKEN)
    out, error, code = run(str(script))
    assert (out, code) == ("begun\n{'WorkerDied'}\n", 0)
    assert "ValueError: not here" in error


HANGS = """
import sys, threading
import trio
from penstock.blocks import Network, Processes, Transformer

def double(x):
    return 2 * x

def wait_for_import():
    with open(sys.argv[1]) as file:
        assert file.read() == "begun"

async def main():
    async with Network(block := Transformer(double, executor=Processes(1))) as network:
        await block.send(1)
        await trio.to_thread.run_sync(wait_for_import)
        network.cancel()
    print("stopped")

if __name__ == "__main__":
    trio.run(main)
else:
    with open(sys.argv[1], "w") as file:
        file.write("begun")
    threading.Event().wait()
"""


def test_a_network_that_is_stopped_does_not_wait_for_a_main_module_that_hangs(tmp_path: Path) -> None:
    script, begun = tmp_path / "script.py", tmp_path / "begun"
    script.write_text(HANGS)
    os.mkfifo(begun)
    assert run(str(script), str(begun)) == ("stopped\n", "", 0)
