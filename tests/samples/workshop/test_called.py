"""The commands that the program prints are such that can be typed."""

import shutil
import sys

import pytest

from penstock.samples.workshop.called import python_command, workshop_command


def find(monkeypatch: pytest.MonkeyPatch, **found: str) -> None:
    def which(name: str) -> str | None:
        return found.get(name.replace("-", "_"))

    monkeypatch.setattr(shutil, "which", which)


def test_what_the_shell_finds_needs_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, python=sys.executable, penstock_workshop="/usr/bin/penstock-workshop")
    assert (python_command(), workshop_command()) == ("python", "penstock-workshop")


def test_another_python_of_the_shell_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("bin") / "python"
    other.symlink_to(sys.executable)  # as in a virtual environment
    find(monkeypatch, python=str(other))
    assert python_command() == sys.executable


def test_the_path_of_a_script_that_was_started_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["/home/ada/my env/bin/penstock-workshop", "list"])
    monkeypatch.setattr(sys, "executable", "/home/ada/my env/bin/python")
    assert python_command() == '"/home/ada/my env/bin/python"'
    assert workshop_command() == '"/home/ada/my env/bin/penstock-workshop"'


def test_without_a_script_python_starts_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["/lib/penstock/samples/workshop/__main__.py", "list"])
    assert workshop_command() == f"{sys.executable} -m penstock.samples.workshop"
