"""`penstock-sentences` as a stranger uses it: files, mistakes, Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.blocks import Recording
from penstock.samples.sentences.__main__ import main
from penstock.samples.sentences.phrase import Phrase
from penstock.samples.sentences.sources import RandomPhrases

MODES = ["sequential", "control-flow"]
COMMAND = [sys.executable, "-m", "penstock.samples.sentences"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize("mode", MODES)
def test_made_up_sentences_are_written_and_counted(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", "out.txt", "--mode", mode, "--seed", "7", "--sentences", "1234"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for expected in (mode, "seed 7", "out.txt", "phrases", "1,234", " s "):
        assert expected in out
    lines = [line for line in Path("out.txt").read_text("utf-8").splitlines() if line]
    assert len(lines) == 1234
    assert os.listdir() == ["out.txt"]


def test_both_modes_write_equal_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("prose.txt").write_text("it rained; the dog slept.\r\n\r\n“no!” said İpek. " * 500, "utf-8")
    for mode in MODES:
        assert main(["prose.txt", "--output", f"{mode}.txt", "--mode", mode]) == 0
        assert "prose.txt" in capsys.readouterr().out
    first, second = (Path(f"{mode}.txt").read_bytes() for mode in MODES)
    assert first == second != b""


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_file_gives_an_empty_file(mode: str) -> None:
    Path("empty").touch()
    assert main(["empty", "--output", "out.txt", "--mode", mode, "--quiet"]) == 0
    assert Path("out.txt").read_bytes() == b""


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", "out.txt", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["--output", "out.txt", "--sentences", "50"]) == 0
    assert " sentences" in capsys.readouterr().err


def test_an_error_that_is_nobody_elses_fault_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: RandomPhrases) -> list[Phrase]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(RandomPhrases, "read", fail)
    with pytest.raises(ZeroDivisionError):
        main(["--output", "out.txt", "--mode", "sequential"])
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        main(["--output", "out.txt", "--mode", "control-flow"])
    assert os.listdir() == []


def test_a_file_can_be_replaced_by_its_own_sentences() -> None:
    Path("prose.txt").write_text("one. two.")
    assert main(["prose.txt", "--output", "prose.txt", "--quiet"]) == 0
    assert Path("prose.txt").read_text() == "One.\nTwo.\n"


@pytest.mark.parametrize("mode", MODES)
def test_bytes_that_are_no_text_are_named_and_nothing_is_written(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("binary").write_bytes(b"\x7fELF\x00 of it. " + b"\xff" * 3)
    Path("out.txt").write_text("old")
    assert main(["binary", "--output", "out.txt", "--mode", mode]) == 2
    assert error_of(capsys) == (
        "penstock-sentences: cannot read binary: byte 0xff at offset 13 is not UTF-8; "
        "try another --encoding, or --undecodable replace"
    )
    assert Path("out.txt").read_text() == "old"
    assert sorted(os.listdir()) == ["binary", "out.txt"]


@pytest.mark.parametrize("mode", MODES)
def test_bytes_that_are_no_text_can_be_replaced(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("latin").write_bytes("ein Mädchen. zwei Mädchen".encode("latin-1"))
    assert main(["latin", "--output", "out.txt", "--mode", mode, "--undecodable", "replace", "--quiet"]) == 1
    assert "2 undecodable runs of bytes were replaced by U+FFFD in latin" in error_of(capsys)
    assert Path("out.txt").read_text("utf-8") == "Ein M\ufffddchen.\nZwei M\ufffddchen\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--output", ""], "expected the path of a file"),
        (["--output", "o", "--sentences", "-1"], "--sentences: expected a whole number >= 0, got '-1'"),
        (["--output", "o", "--sentences", "many"], "--sentences: expected a whole number >= 0, got 'many'"),
        (["--output", "o", "--seed", "1.5"], "--seed: expected a whole number, got '1.5'"),
        (["--output", "o", "--governor", "0"], "--governor: expected a whole number >= 1, got '0'"),
        (["--output", "o", "--mode", "fast"], "--mode: invalid choice"),
        (["--output", "o", "--wat"], "unrecognized arguments: --wat"),
        (
            ["--output", "o", "--record", "o.pdf"],
            "expected a file called *.json, *.svg or *.png, got 'o.pdf'",
        ),
        (["--output", "o", "--record", "gone/o.svg"], "--record: cannot write 'gone/o.svg': there is no such folder"),
        (["--output", "o", "--time-limit", "-1"], "--time-limit: expected a number of seconds > 0, got '-1'"),
        (
            ["--output", "o", "--mode", "sequential", "--report", "--time-limit", "1", "--record", "o.svg"],
            "--record, --report and --time-limit are for a network, and the mode sequential has none",
        ),
        (
            ["f", "--output", "o", "--seed", "1", "--sentences", "2"],
            "--seed and --sentences are for generated text",
        ),
        (["f", "--sentences", "0"], "--sentences is for generated text, not for the text of a FILE"),
        (["--language", "de"], "--language is for the text of a FILE, and none is given"),
        (["--mode", "sequential", "--governor", "3"], "--governor is for a network, and the mode sequential has none"),
        (["-", "--language", "../en"], "--language: expected the code of a language, such as en, de or pt-BR"),
        (["-", "--encoding", "base64"], "--encoding: expected an encoding such as utf-8 or latin-1, got 'base64'"),
        (["a", "b"], "unrecognized arguments: b"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    line = error_of(capsys)
    assert line.startswith("penstock-sentences: ")
    assert complaint in line
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing", "--output", "o"], "cannot read missing: No such file or directory"),
        ([".", "--output", "o"], "cannot read .: Is a directory"),
        (["--output", "."], "cannot write .: is a directory"),
        (["--output", "missing/o"], "cannot write missing/o: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert error_of(capsys) == f"penstock-sentences: {complaint}"
    assert os.listdir() == []


def test_a_run_is_recorded_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    files = ["run.json", "run.svg", "run.png"]
    records = [word for file in files for word in ("--record", file)]
    arguments = ["--sentences", "30", "--report", "--diagram", "net.mmd", *records]
    assert main(["--output", "out.txt", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(f" {file} " in out for file in files)
    assert "network 'sentences', ended, " in out
    assert sorted(os.listdir()) == ["net.mmd", "out.txt", *sorted(files)]
    assert "drawn in" in out
    recording = Recording.load("run.json")
    assert len(recording.stages) == 4
    assert {span.item for span in recording.spans if span.stage == recording.stages[0]} >= set(range(1, 31))


def test_a_report_that_is_asked_for_is_printed_though_the_rest_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", "out.txt", "--quiet", "--report"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("network 'sentences', ended, ")


def test_a_report_is_printed_where_characters_are_missing() -> None:
    command = [*COMMAND, "--output", "out.txt", "--report"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "network 'sentences', ended, " in done.stdout


def test_a_run_that_takes_too_long_leaves_the_output_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.txt").write_text("old")
    arguments = ["--sentences", "10000000", "--time-limit", "0.1", "--record", "run.svg", "--report"]
    assert main(["--output", "out.txt", *arguments]) == 124
    out, err = capsys.readouterr()
    assert out == ""
    first, *_, last = err.splitlines()
    assert first.startswith("penstock-sentences: network 'sentences' has run for ")
    assert last == "out.txt was left as it was"
    assert Path("out.txt").read_text() == "old"
    assert sorted(os.listdir()) == ["out.txt", "run.svg"]


def test_a_recording_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(recording: Recording, path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recording, "save", refuse)
    assert main(["--output", "out.txt", "--quiet", "--record", "run.svg"]) == 2
    assert error_of(capsys) == "penstock-sentences: cannot write run.svg: No space left on device"
    assert os.listdir() == ["out.txt"]


def test_help_names_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    assert exit_info.value.code == 0
    assert "130" in capsys.readouterr().out


def run(
    *arguments: str, text: str = "", redirection: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a shell, where it has a standard input, output and error of its own."""
    shell = ["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *arguments]
    return subprocess.run(
        shell if redirection else [*COMMAND, *arguments],
        input=text,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


@pytest.mark.parametrize("mode", MODES)
def test_it_is_a_filter(mode: str) -> None:
    done = run("-", "--mode", mode, text="so it is, e.g. here. yes…")
    assert done.stdout == "So it is, e.g. here.\nYes…\n"
    assert "standard input" in done.stderr
    assert "standard output" in done.stderr
    assert run("-", "--quiet", "--mode", mode, "--output", "-").stdout == ""


def test_without_a_file_text_is_made_up(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["--sentences", "3", "--quiet"]) == 0
    out, err = capfdbinary.readouterr()
    assert len([line for line in out.splitlines() if line]) == 3
    assert err == b""


def test_the_language_says_where_sentences_end() -> None:
    Path("brief.txt").write_text("Das ist z.B. für 好. Ende.", "utf-16")
    done = run("brief.txt", "--language", "de", "--encoding", "utf-16", "--quiet")
    assert done.stdout == "Das ist z.B. für 好.\nEnde.\n"


def test_what_finds_the_ends_of_sentences_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("splitter", "boundaries"):
        monkeypatch.delitem(sys.modules, f"penstock.samples.sentences.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "sentencex", None)
    Path("prose.txt").write_text("so it is.")
    assert main(["prose.txt", "--output", "out.txt"]) == 2
    assert error_of(capsys).endswith("is not installed; try: pip install 'penstock[sentences]'")
    assert os.listdir() == ["prose.txt"]
    assert main(["--output", "out.txt", "--quiet"]) == 0


@needs_posix
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_or_closed_standard_output_is_said_in_one_line() -> None:
    complaint = "penstock-sentences: cannot write"
    full = "No space left on device"
    done = run("--quiet", redirection="> /dev/full")
    assert (done.returncode, done.stderr) == (2, f"{complaint} standard output: {full}\n")
    done = run("--output", "out.txt", redirection="> /dev/full")
    assert (done.returncode, done.stderr) == (2, f"{complaint} the results to standard output: {full}\n")
    done = run("--output", "/dev/full", "--quiet")
    assert (done.returncode, done.stderr) == (2, f"{complaint} /dev/full: {full}\n")
    done = run("--quiet", redirection=">&-")
    assert (done.returncode, done.stderr) == (2, f"{complaint} standard output: Bad file descriptor\n")
    done = run("--output", "out.txt", "--report", redirection=">&-")
    assert (done.returncode, done.stderr) == (0, "")
    done = run("-", "--quiet", redirection="<&-")
    assert (done.returncode, done.stderr) == (
        2,
        "penstock-sentences: cannot read standard input: Bad file descriptor\n",
    )
    assert os.listdir() == ["out.txt"]


@needs_posix
@pytest.mark.parametrize("mode", MODES)
def test_it_ends_without_a_word_where_nobody_reads_on(mode: str) -> None:
    done = run("--sentences", "100000", "--mode", mode, redirection="| head -n 1")
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
@pytest.mark.parametrize("mode", MODES)
def test_named_pipes_are_read_and_written_as_they_are(mode: str) -> None:
    os.mkfifo("in")
    os.mkfifo("out")
    with subprocess.Popen([*COMMAND, "in", "--output", "out", "--mode", mode, "--quiet"]) as program:
        with open("out", "rb") as output:  # waits until the program has opened its end
            with open("in", "wb") as text:
                text.write(b"one. two.\n\n")
                text.flush()
                assert output.readline() == b"One.\n"  # before the text has ended
                text.write(b"three.")
            assert output.read() == b"Two.\n\nThree.\n"
        assert program.wait(timeout=60) == 0
    assert sorted(os.listdir()) == ["in", "out"]


STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
@pytest.mark.parametrize("number", STOP_SIGNALS)
@pytest.mark.parametrize("mode", MODES)
def test_a_signal_in_the_middle_leaves_the_output_as_it_was(mode: str, number: signal.Signals) -> None:
    os.mkfifo("pipe")
    Path("out.txt").write_text("old")
    program = subprocess.Popen(
        [*COMMAND, "pipe", "--output", "out.txt", "--mode", mode], stderr=subprocess.PIPE, text=True
    )
    with program, open("pipe", "wb") as pipe:  # waits until the program has opened its end
        # More than a pipe holds: when this is written the program is in the middle of it, and waits for more.
        pipe.write(b"and so on. " * 50_000)
        pipe.flush()
        program.send_signal(number)
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 128 + number
    assert errors == "penstock-sentences: stopped; out.txt was left as it was\n"
    assert Path("out.txt").read_text() == "old"
    assert sorted(os.listdir()) == ["out.txt", "pipe"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
@pytest.mark.parametrize("mode", MODES)
def test_a_signal_ends_it_where_nobody_reads_a_full_pipe(mode: str) -> None:
    command = [*COMMAND, "--sentences", "1000000", "--mode", mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        program.stdout.readline()  # and no more
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=60) == 128 + signal.SIGTERM
        assert program.stderr is not None
        assert program.stderr.read() == "penstock-sentences: stopped; standard output did not get all\n"
