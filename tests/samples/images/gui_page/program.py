"""`penstock-images --gui` in a process of its own, which can be looked into; and pictures for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import attrs
from PIL import Image

__all__ = ["Program", "colour_of", "paint", "program"]

_PATIENCE = 60  # seconds


@attrs.frozen
class Program:
    """The running program."""

    process: subprocess.Popen[str]
    address: str

    def wait(self) -> int:
        """Wait for its end; return the exit status."""
        return self.process.wait(_PATIENCE)

    @property
    def threads(self) -> int:
        """How many threads it has (Linux)."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    @property
    def handles(self) -> int:
        """How many files and sockets it has open (Linux)."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def resident(self) -> int:
        """How many bytes of it are in memory (Linux)."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def look_into(self) -> tuple[int, int]:
        """How many tasks it has, and how many blocks of memory for Python objects (POSIX)."""
        self.process.send_signal(signal.SIGUSR1)
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        return told["tasks"], told["blocks"]


@contextmanager
def program(start_folder: Path, *options: str) -> Generator[Program]:
    """Start the program; it is ended on exit if it has not ended by then."""
    what = str(Path(__file__).with_name("looked_into.py"))
    command = [sys.executable, what, "--gui", "--no-browser", "--start-folder", "."]
    with subprocess.Popen(
        [*command, *options], cwd=start_folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            address = next((word for word in said.split() if word.startswith("http://")), "")
            assert address, f"the program said no address, but: {said!r}"
            yield Program(process, address)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def colour_of(number: int) -> tuple[int, int, int]:
    """The colour of a picture, from 0: neighbours differ enough for any JPEG."""
    return (number * 83 + 30) % 256, (number * 151 + 90) % 256, (number * 47 + 160) % 256


def paint(folder: Path, count: int, bad: tuple[int, ...] = ()) -> list[Path]:
    """Make pictures of one colour each; those in `bad` cannot be read."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03}.png" for number in range(count)]
    for number, path in enumerate(paths):
        if number in bad:
            path.write_text("this is no picture")
        else:
            Image.new("RGB", (64, 48), colour_of(number)).save(path)
    return paths
