"""The command `penstock-seal`, in the process of the test."""

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="an extra")

from penstock.samples.streams.__main__ import main

DATA = os.urandom(300_000) + bytes(300_000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file and a key."""
    (tmp_path / "story").write_bytes(DATA)
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_sealed_and_opened(folder: Path) -> None:
    assert main(["story", "sealed", "--key-file", "key"]) == 0
    assert (folder / "sealed").stat().st_size < 310_000
    assert main(["sealed", "again", "--key-file", "key", "--open"]) == 0
    assert (folder / "again").read_bytes() == DATA
    assert sorted(os.listdir(folder)) == ["again", "key", "sealed", "story"]


def test_a_key_may_be_bytes(folder: Path) -> None:
    (folder / "bytes").write_bytes(bytes.fromhex("ab" * 32))
    assert main(["story", "sealed", "--key-file", "bytes"]) == 0
    assert main(["sealed", "again", "--key-file", "key", "--open"]) == 0


def cut_off(data: bytes) -> bytes:
    return data[:-1]


def changed(data: bytes) -> bytes:
    return data[:200_000] + b"?" + data[200_001:]


def longer(data: bytes) -> bytes:
    return data + b"more"


def not_sealed(data: bytes) -> bytes:
    return DATA


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut_off, "sealed: it was cut off in frame 2"),
        (changed, "sealed: frame 1 was changed"),
        (longer, "sealed: something follows the last frame"),
        (not_sealed, "sealed: it is not a sealed file"),
    ],
)
def test_a_file_that_is_not_as_it_was_sealed_leaves_no_output(
    change: Any, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["story", "sealed", "--key-file", "key"]) == 0
    sealed = folder / "sealed"
    sealed.write_bytes(change(sealed.read_bytes()))
    (folder / "older").write_bytes(b"older")
    for name in ("new", "older"):
        assert main(["sealed", name, "--key-file", "key", "--open"]) == 1
        assert capsys.readouterr().err == f"penstock-seal: {message}\n"
    assert sorted(os.listdir(folder)) == ["key", "older", "sealed", "story"]
    assert (folder / "older").read_bytes() == b"older"


def test_a_file_that_cannot_be_read_or_written_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing", "out", "--key-file", "key"]) == 2
    assert capsys.readouterr().err == "penstock-seal: nothing: No such file or directory\n"
    assert main(["story", "nowhere/out", "--key-file", "key"]) == 2
    assert capsys.readouterr().err == "penstock-seal: nowhere/out: No such file or directory\n"
    assert sorted(os.listdir(folder)) == ["key", "story"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["story", "story", "--key-file", "key"], "IN and OUT are the same file"),
        (["story", "out", "--key-file", "story"], "story: expected a key of 32 bytes, or 64 hexadecimal digits"),
        (["story", "out", "--key-file", "nothing"], "nothing: No such file or directory"),
        (["story", "out"], "the following arguments are required: --key-file"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_use_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err == f"penstock-seal: {message} (try --help)\n"


@pytest.mark.usefixtures("folder")
def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    true_import = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("penstock.samples.streams.frames"):
            raise ModuleNotFoundError(name="cryptography")
        return true_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["story", "out", "--key-file", "key"]) == 2
    assert "pip install 'penstock[seal]'" in capsys.readouterr().err
