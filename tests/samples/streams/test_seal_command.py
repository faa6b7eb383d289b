"""The command `penstock-seal`, in the process of the test."""

import builtins
import io
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="an extra")

from penstock.samples.streams import frames
from penstock.samples.streams.__main__ import main

DATA = os.urandom(300_000) + bytes(300_000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file and a key."""
    (tmp_path / "story").write_bytes(DATA)
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    (tmp_path / "empty").touch()
    monkeypatch.delenv("PENSTOCK_PASSPHRASE", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_sealed_and_opened(folder: Path) -> None:
    assert main(["story", "sealed", "--key-file", "key"]) == 0
    assert (folder / "sealed").stat().st_size < 310_000
    assert main(["sealed", "again", "--key-file", "key", "--open"]) == 0
    assert (folder / "again").read_bytes() == DATA
    assert sorted(os.listdir(folder)) == ["again", "empty", "key", "sealed", "story"]


def test_a_key_may_be_bytes(folder: Path) -> None:
    (folder / "bytes").write_bytes(bytes.fromhex("ab" * 32))
    assert main(["story", "sealed", "--key-file", "bytes"]) == 0
    assert main(["sealed", "again", "--key-file", "key", "--open"]) == 0


def test_a_passphrase_comes_from_a_file_or_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(frames, "USUAL_COST", (14, 8, 1))
    (folder / "phrase").write_bytes(b"correct horse\r\nnot this line")
    assert main(["story", "sealed", "--passphrase-file", "phrase"]) == 0
    monkeypatch.setenv("PENSTOCK_PASSPHRASE", "correct horse")
    assert main(["sealed", "again", "--passphrase", "--open"]) == 0
    assert (folder / "again").read_bytes() == DATA
    monkeypatch.setenv("PENSTOCK_PASSPHRASE", "wrong")
    assert main(["sealed", "new", "--passphrase", "--open"]) == 1
    assert capsys.readouterr().err == (
        "penstock-seal: sealed: frame 0 was changed, or the passphrase is not the one of this file\n"
    )
    assert not (folder / "new").exists()


def test_a_passphrase_is_asked_for_twice_when_a_file_is_sealed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(frames, "USUAL_COST", (14, 8, 1))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    answers = iter(["one", "one", "one", "one", "two"])

    def answer(_: str) -> str:
        return next(answers)

    monkeypatch.setattr("getpass.getpass", answer)
    assert main(["story", "sealed", "--passphrase"]) == 0
    assert main(["sealed", "again", "--passphrase", "--open"]) == 0
    with pytest.raises(SystemExit, match="2"):
        main(["story", "sealed", "--passphrase"])
    assert "these are two different passphrases" in capsys.readouterr().err


def cut_off(data: bytes) -> bytes:
    return data[:-1]


def changed(data: bytes) -> bytes:
    return data[:200_000] + bytes([data[200_000] ^ 1]) + data[200_001:]


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
    assert sorted(os.listdir(folder)) == ["empty", "key", "older", "sealed", "story"]
    assert (folder / "older").read_bytes() == b"older"


def test_a_file_that_cannot_be_read_or_written_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing", "out", "--key-file", "key"]) == 2
    assert capsys.readouterr().err == "penstock-seal: nothing: No such file or directory\n"
    assert main(["story", "nowhere/out", "--key-file", "key"]) == 2
    assert capsys.readouterr().err == "penstock-seal: nowhere/out: No such file or directory\n"
    assert sorted(os.listdir(folder)) == ["empty", "key", "story"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["story", "story", "--key-file", "key"], "IN and OUT are the same file"),
        (["story", "out", "--key-file", "story"], "story: expected a key of 32 bytes, or 64 hexadecimal digits"),
        (["story", "out", "--key-file", "nothing"], "nothing: No such file or directory"),
        (
            ["story", "out", "--passphrase-file", "empty"],
            "empty: expected a passphrase of 1 to 1024 bytes, got an empty one",
        ),
        (
            ["story", "out", "--passphrase"],
            "--passphrase: there is no terminal to ask at; use PENSTOCK_PASSPHRASE or --passphrase-file",
        ),
        (["story", "out"], "one of the arguments --key-file --passphrase-file --passphrase is required"),
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
