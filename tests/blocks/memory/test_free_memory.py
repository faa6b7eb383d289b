"""How much memory is free: the machine's or the control group's, whichever is less."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from penstock.blocks import free_memory
from penstock.blocks.memory.free_memory import free_below, machine_memory

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="it reads files of Linux")


def machine(root: Path, meminfo: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(meminfo)


def group(root: Path, limit: int, used: int) -> None:
    (root / "proc/self/cgroup").write_text("0::/\n")
    (root / "proc/self/mountinfo").write_text("30 23 0:26 / /group rw - cgroup2 cgroup2 rw\n")
    (root / "group").mkdir(exist_ok=True)
    (root / "group/memory.max").write_text(str(limit))
    (root / "group/memory.current").write_text(str(used))


def test_there_is_some_on_this_machine() -> None:
    assert 0 < free_memory() < 1 << 50


@on_linux
def test_the_machine_tells_what_is_available(tmp_path: Path) -> None:
    machine(tmp_path, "MemTotal:  9000 kB\nMemFree:   10 kB\nMemAvailable:    4000 kB\n")
    assert free_below(tmp_path) == 4000 * 1024


@on_linux
def test_the_lesser_of_machine_and_group_decides(tmp_path: Path) -> None:
    machine(tmp_path, "MemAvailable: 4000 kB\n")
    group(tmp_path, limit=5000, used=1000)
    assert free_below(tmp_path) == 4000
    group(tmp_path, limit=5_000_000, used=1000)
    assert free_below(tmp_path) == 4000 * 1024


@on_linux
@pytest.mark.parametrize("meminfo", ["", "MemFree: 10 kB\n", "MemAvailable:\n"])
def test_without_that_line_it_is_what_no_page_is_in(tmp_path: Path, meminfo: str) -> None:
    machine(tmp_path, meminfo)
    assert 0 < machine_memory(tmp_path) < 1 << 50
    assert machine_memory(tmp_path) % 4096 == 0


def test_elsewhere_psutil_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = ModuleType("psutil")
    fake.virtual_memory = lambda: SimpleNamespace(available=123)  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "psutil", fake)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert free_below(tmp_path) == 123
