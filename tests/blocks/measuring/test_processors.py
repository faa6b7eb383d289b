"""How much of the processors was free."""

import os
from pathlib import Path

import pytest

from penstock.blocks.measuring import processors
from penstock.blocks.measuring.processors import IdleTime, usable_numbers


def hundred(_: object) -> int:
    return 100


class Machine:
    """A machine whose counters stand where the test wants them."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path / "stat"
        self.now = 0.0
        monkeypatch.setattr(processors, "perf_counter", lambda: self.now)
        monkeypatch.setattr(processors, "usable_numbers", lambda: {0, 2})
        monkeypatch.setattr(os, "sysconf", hundred, raising=False)
        self.shows(0, 0, 0)

    def shows(self, *idle: int) -> None:
        rows = [f"cpu{number} 7 7 7 {ticks} 0 7" for number, ticks in enumerate(idle)]
        self.path.write_text("\n".join([f"cpu 1 1 1 {sum(idle)} 0 1", *rows, "intr 5 6", ""]))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_what_the_processors_of_this_program_had_nothing_to_do_for_is_counted(machine: Machine) -> None:
    idle = IdleTime(machine.path)
    assert idle.free() is None
    idle.begin()
    machine.now = 2.0
    machine.shows(200, 500, 100)
    assert idle.free() == pytest.approx(1.5)
    machine.now = 4.0
    idle.end()
    assert idle.free() == pytest.approx(0.75)
    machine.now = 100.0
    assert idle.free() == pytest.approx(0.75)


def test_a_run_that_was_too_short_tells_nothing(machine: Machine) -> None:
    idle = IdleTime(machine.path)
    idle.begin()
    machine.now = 0.05
    idle.end()
    assert idle.free() is None


def test_runs_that_begin_within_a_hundredth_of_a_second_share_one_copy_of_the_counters(machine: Machine) -> None:
    machine.shows(100, 0, 100)
    for moment in (0.0, 0.009):
        machine.now = moment
        idle = IdleTime(machine.path)
        idle.begin()
        machine.shows(150, 0, 150)  # not seen by the second one
    machine.now = 2.0
    machine.shows(200, 0, 200)
    assert idle.free() == pytest.approx(1.0)
    machine.now = 2.01
    idle = IdleTime(machine.path)
    idle.begin()
    machine.now = 4.01
    machine.shows(300, 0, 300)
    assert idle.free() == pytest.approx(1.0)


def test_a_copy_of_other_counters_is_not_taken(machine: Machine, tmp_path: Path) -> None:
    IdleTime(machine.path).begin()
    other = IdleTime(tmp_path / "none")
    other.begin()
    machine.now = 10.0
    assert other.free() is None


def test_where_the_system_does_not_tell_nothing_is_known(machine: Machine) -> None:
    for content in (None, "nothing of use", "cpu0 1 1 1 one 1"):
        path = machine.path if content is not None else machine.path / "none"
        if content is not None:
            path.write_text(content)
        idle = IdleTime(path)
        idle.begin()
        machine.now += 10.0
        assert idle.free() is None
    folder = IdleTime(machine.path.parent)  # it can be opened, and not read
    folder.begin()
    assert folder.free() is None


def test_counters_that_vanish_are_not_taken_for_zero(machine: Machine) -> None:
    idle = IdleTime(machine.path)
    idle.begin()
    machine.path.unlink()
    machine.now = 10.0
    idle.end()
    assert idle.free() is None


def test_without_an_affinity_all_processors_are_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_numbers()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert usable_numbers() == {0, 1, 2}
