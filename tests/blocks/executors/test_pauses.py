"""A worker that waits in the middle of its job is not at work: others may be meanwhile, and it may be struck off."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from penstock.blocks import Threads
from penstock.blocks.executors.lane import Job
from penstock.blocks.executors.stream import Stream
from penstock.blocks.executors.work import Task
from penstock.blocks.executors.worker import JobQueue
from tests.blocks.executors.kinds import SECONDS


class Reader:
    """A user of one worker, whose job waits for room after two of three outputs.

    Attributes:
        inside: Set when the job has given one of them.
        may_go_on: To be set before it gives the next one.
        home: Where the job comes in the end.
    """

    def __init__(self, threads: Threads) -> None:
        self.inside, self.may_go_on = threading.Event(), threading.Event()
        self.home: SimpleQueue[Job] = SimpleQueue()
        self.queue: JobQueue = threads._scheduler.open("reader", 1, self.home.put)
        job = Job(Task(self._outputs, True, True, "block 'reader'"), [0], None, (0,))
        job.stream = self.stream = Stream(lambda: None, 1)
        threads._scheduler.submit(self.queue, job)
        assert self.inside.wait(SECONDS)

    def _outputs(self, item: int) -> Iterator[int]:
        yield item
        self.inside.set()
        assert self.may_go_on.wait(SECONDS)
        yield item + 1
        yield item + 2

    def finish(self) -> None:
        """Take all that comes, and the job."""
        self.may_go_on.set()
        for _ in range(3):
            self.stream.grant(1)
        outcome = self.home.get(timeout=SECONDS).outcome
        assert outcome is not None
        assert (outcome.results, outcome.failures) == ([[]], [])
        assert list(self.stream.chunks) == [[(0, [n])] for n in range(3)]


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for other threads."""
    for _ in range(int(SECONDS * 1000)):
        if condition():
            return
        threading.Event().wait(0.001)
    raise AssertionError("no thread got there")


@pytest.fixture
def threads() -> Threads:
    return Threads(1)


def test_meanwhile_another_one_works(threads: Threads) -> None:
    reader = Reader(threads)
    future = threads.submit(abs, -1)
    assert not future.running()
    reader.may_go_on.set()
    assert future.result(SECONDS) == 1
    reader.finish()
    threads._scheduler.release(reader.queue)
    wait_until(lambda: not threads._scheduler.size)


@pytest.mark.parametrize("waits", [True, False])
def test_one_that_is_left_to_itself_takes_no_place_of_others_when_it_waits_and_goes_on(
    threads: Threads, waits: bool
) -> None:
    reader = Reader(threads)
    if waits:
        reader.may_go_on.set()
        wait_until(lambda: threads._scheduler._paused)
    threads._scheduler.abandon(reader.queue)
    assert threads._scheduler.size == 0
    assert threads.submit(abs, -1).result(SECONDS) == 1
    reader.finish()
    assert threads.submit(abs, -1).result(SECONDS) == 1
    threads._scheduler.release(reader.queue)
    wait_until(lambda: not threads._scheduler.size)


def test_in_a_forked_child_nobody_waits(threads: Threads) -> None:
    reader = Reader(threads)
    reader.may_go_on.set()
    wait_until(lambda: threads._scheduler._paused)
    threads.begin_anew()
    assert threads._scheduler._working() == 0
    assert threads.submit(abs, -1).result(SECONDS) == 1
    reader.finish()
