"""Which jobs are late, decided without a loop."""

import math

from penstock.blocks.executors.lane import Job
from penstock.blocks.executors.work import Task
from penstock.blocks.functions.deadlines import Deadlines


def job() -> Job:
    return Job(Task(print), [0], None, (0,))


def test_without_a_job_nothing_is_due() -> None:
    deadlines = Deadlines(10)
    assert deadlines.next() == math.inf
    assert list(deadlines.overdue(1000)) == []


def test_a_job_is_late_once_when_its_time_is_up() -> None:
    deadlines = Deadlines(10)
    first, second = job(), job()
    deadlines.begin(first, 100)
    deadlines.begin(second, 105)
    assert deadlines.next() == 110
    assert list(deadlines.overdue(109)) == []
    assert list(deadlines.overdue(110)) == [first]
    assert list(deadlines.overdue(110)) == []
    assert deadlines.next() == 115
    assert list(deadlines.overdue(1000)) == [second]
    assert deadlines.next() == math.inf


def test_a_job_that_is_home_in_time_is_never_late() -> None:
    deadlines = Deadlines(10)
    first, second, third = job(), job(), job()
    for one in (first, second, third):
        deadlines.begin(one, 100)
    assert not deadlines.end(second)
    assert not deadlines.end(first)
    assert list(deadlines.overdue(200)) == [third]


def test_a_job_that_comes_home_late_is_told_from_others_once() -> None:
    deadlines = Deadlines(10)
    first = job()
    assert not deadlines.end(first)  # it had not begun
    deadlines.begin(first, 100)
    assert list(deadlines.overdue(200)) == [first]
    assert deadlines.end(first)
    assert not deadlines.end(first)


def test_a_job_that_waits_takes_nothing_of_its_time() -> None:
    deadlines = Deadlines(10)
    first, second = job(), job()
    deadlines.begin(first, 100)
    deadlines.begin(second, 101)
    deadlines.pause(first, 104)
    assert deadlines.next() == 111
    deadlines.resume(first, 150)
    assert list(deadlines.overdue(155)) == [second]
    assert deadlines.next() == 156
    assert list(deadlines.overdue(156)) == [first]


def test_a_job_that_comes_home_while_it_waits_is_forgotten() -> None:
    deadlines = Deadlines(10)
    first = job()
    deadlines.begin(first, 100)
    deadlines.pause(first, 104)
    assert not deadlines.end(first)
    deadlines.resume(first, 105)
    assert deadlines.next() == math.inf


def test_a_job_that_is_late_already_has_no_more_time_to_keep() -> None:
    deadlines = Deadlines(10)
    first = job()
    deadlines.begin(first, 100)
    assert list(deadlines.overdue(110)) == [first]
    deadlines.pause(first, 111)
    deadlines.resume(first, 112)
    assert deadlines.next() == math.inf
    assert deadlines.end(first)
