"""A forked child that uses an executor which was open in its parent: it has workers of its own."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
import trio

from penstock.blocks import Threads, Transformer
from penstock.blocks.executors import forked, timed
from penstock.blocks.executors.process_child import Child
from penstock.blocks.executors.slots import Shared
from penstock.blocks.executors.starting import starting
from penstock.blocks.executors.threads import SwitchInterval
from penstock.blocks.executors.timed import worker_of
from penstock.blocks.executors.wire import Lost, Wire
from tests.blocks.executors.kinds import SECONDS, Gauge
from tests.blocks.executors.process_functions import ThreadProcess
from tests.blocks.tools import contents, linked, run

can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def in_a_fork(work: Callable[[], object]) -> int:
    """Do something in a forked child; gives its exit code, 0 if it went well."""
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def use(threads: Threads) -> None:
    """Use it in both ways, from a thread that gives up some day."""

    async def main() -> None:
        block = Transformer[int, int](abs, executor=threads, concurrency=2)
        collector = linked(block)
        with trio.fail_after(SECONDS):
            await run(block, range(100))
        assert contents(collector) == list(range(100))

    trio.run(main)
    assert threads.submit(abs, -1).result(SECONDS) == 1


@can_fork
@pytest.mark.parametrize("is_used", [False, True])
def test_a_child_has_workers_of_its_own(is_used: bool) -> None:
    with Threads(2) as threads:
        if is_used:
            use(threads)
        assert in_a_fork(lambda: use(threads)) == 0
        assert in_a_fork(lambda: in_a_fork(lambda: use(threads))) == 0
        use(threads)


@can_fork
def test_what_the_parent_has_in_work_is_none_of_the_childs_business() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1)
    futures = [threads.submit(gauge, n) for n in range(3)]
    assert gauge.wait(1)
    assert in_a_fork(lambda: use(threads)) == 0
    assert in_a_fork(threads.shutdown) == 0
    gauge.open()
    assert [future.result(SECONDS) for future in futures] == [0, 1, 2]


@can_fork
def test_a_recorded_call_in_a_child_says_in_which_process_it_was() -> None:
    parent = os.getpid()

    def check() -> None:
        assert worker_of(parent) == f"process {os.getpid()}"
        assert worker_of(os.getpid()) == threading.current_thread().name

    assert worker_of(parent) == threading.current_thread().name
    assert in_a_fork(check) == 0
    timed.here.begin_anew()  # in this process too, where coverage is measured
    assert worker_of(parent) == threading.current_thread().name


@can_fork
def test_a_lock_that_another_thread_holds_at_the_fork_is_free_in_the_child() -> None:
    with Threads(2) as threads:
        use(threads)
        held, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with threads._scheduler.lock:
                held.set()
                go_on.wait(SECONDS)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(SECONDS)
        assert in_a_fork(lambda: use(threads)) == 0
        go_on.set()
        holder.join()


@can_fork
def test_a_call_may_fork() -> None:
    with Threads(1) as threads:
        assert threads.submit(in_a_fork, lambda: use(threads)).result(SECONDS) == 0


PROGRAM = """
import os, sys, threading
from penstock.blocks import Processes

def pid(_):
    return os.getpid()

if __name__ == "__main__":
    with Processes(1) as processes:
        here = processes.submit(pid, 0).result(60)
        child = os.fork()
        if not child:
            there = processes.submit(pid, 0).result(60)
            processes.shutdown()
            sys.exit(3 if there != here else 4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert processes.submit(pid, 0).result(60) == here
    print("end")
"""


@can_fork
def test_a_child_has_processes_of_its_own_and_leaves_those_of_its_parent_alone(tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-W", "ignore", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)


# What the child does, done here, where it can be looked at


def test_an_executor_that_begins_anew_has_no_users_but_the_body_of_its_with() -> None:
    threads = Threads(2)
    threads._scheduler.open("left over", 1, lambda job: None)
    threads.begin_anew()
    assert threads._scheduler._users == 0
    with threads:
        threads.begin_anew()
        assert threads._scheduler._users == 1
        use(threads)
        assert threads._scheduler.size


def wait_for_the_end(connection: Any) -> None:
    connection.poll(SECONDS)


def test_a_worker_process_of_the_parent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = Pipe()
    process: Any = ThreadProcess(wait_for_the_end, (theirs,))
    children: set[BaseProcess] = {process}
    monkeypatch.setattr("multiprocessing.process._children", children)
    child = Child("pool", process, Wire(ours, Shared()))
    for _ in range(2):
        child.begin_anew()
    assert not children
    with pytest.raises(Lost):
        child.wire.send("anything")
    child.kill()
    assert child.reap() == "it is the parent's"


def test_the_switch_interval_is_that_of_the_program_again() -> None:
    usual = sys.getswitchinterval()
    interval = SwitchInterval(0.0001)
    interval.begin()
    assert sys.getswitchinterval() != usual
    for _ in range(2):
        interval.begin_anew()
    assert sys.getswitchinterval() == usual


def test_everything_that_can_begins_anew() -> None:
    begun: list[int] = []

    class Forked:
        def begin_anew(self) -> None:
            begun.append(1)

    starting.begin_anew()
    one = Forked()
    before = list(forked.forkable)
    forked.forkable.clear()
    forked.forkable.add(one)
    forked.begin_anew()
    forked.forkable.update(before)
    assert begun == [1]
