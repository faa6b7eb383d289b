"""The progress of a network while it runs; the display disturbs nothing."""

import io
import logging
import subprocess
import sys

import pytest
import trio
import trio.lowlevel
from rich.console import Console
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Call, IterableSource, Network, Stalled, Transformer
from penstock.blocks.base.timing import time_slice
from penstock.blocks.reports import progress, progress_display
from penstock.blocks.reports.progress import Progress, Ticker
from tests.blocks.tools import faults


class Terminal(io.StringIO):
    """Keeps the text that was drawn; breaks after this many characters."""

    def __init__(self, breaks_after: int | None = None, error: type[BaseException] = OSError) -> None:
        super().__init__()
        self.breaks_after = breaks_after
        self.error = error

    def write(self, text: str) -> int:
        if self.breaks_after is not None and self.tell() + len(text) > self.breaks_after:
            raise self.error("the terminal is gone")
        return super().write(text)

    @property
    def console(self) -> Console:
        return Console(file=self, force_terminal=True, width=80)


def pipeline() -> IterableSource[int]:
    source: IterableSource[int] = IterableSource(range(30), name="numbers")
    double: Transformer[int, int] = Transformer(abs, name="double")
    source.link_target(double)
    double.link_target(Call(abs, name="show"))
    return source


async def test_on_a_terminal_the_last_state_stays() -> None:
    terminal = Terminal()
    async with Network(pipeline(), name="photos", progress=terminal.console):
        pass
    last = terminal.getvalue().rpartition("photos, done after")[2]
    assert last.count("30 / 30") == 3


async def test_elsewhere_there_is_a_line_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    async with Network(pipeline(), name="photos", progress=True):
        pass
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("photos, done after ")
    assert printed.err.endswith(": numbers 30 of 30, double 30 of 30, show 30 of 30\n")


async def test_by_default_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    async with Network(pipeline()):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("real_time")
async def test_it_is_drawn_again_and_again_while_the_network_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.001)
    monkeypatch.setattr(progress, "MOST_OF_THE_LOOP", 1e9)
    terminal = Terminal()
    async with Network(pipeline(), name="photos", progress=terminal.console):
        with trio.fail_after(60):
            while terminal.getvalue().count("photos, ") < 4:  # noqa: ASYNC110  # a terminal tells nobody
                await trio.sleep(0.001)


async def test_what_is_slow_to_draw_is_drawn_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    looks = 0

    def look(self: Progress) -> None:
        nonlocal now, looks
        del self
        now += 0.1
        looks += 1

    class Fake:
        def draw(self, view: None) -> None:
            pass

    monkeypatch.setattr(progress, "perf_counter", lambda: now)
    monkeypatch.setattr(Progress, "_look", look)
    shown = Progress(Network()._run, True)
    shown._draw()  # there is nowhere to draw yet
    shown._display = Fake()  # type: ignore[assignment]
    for _ in range(40):
        shown._draw()
        now += 0.2
    assert looks == 4  # each draw took 0.1 s, which is the twentieth part of 2 s


async def test_it_does_not_keep_a_network_from_its_verdict() -> None:
    terminal = Terminal()
    with faults(Stalled):
        stuck: Transformer[int, int] = Transformer(abs, name="stuck")
        async with Network(stuck, progress=terminal.console):
            await stuck.send(1)
    assert trio.current_time() == pytest.approx(0.0)
    assert ", stopped after" in terminal.getvalue()


async def test_time_jumps_as_far_as_without_it() -> None:
    async with Network(pipeline(), progress=Terminal().console):
        await trio.sleep(1000)
    assert trio.current_time() == pytest.approx(1000.0)


async def test_a_fault_comes_out_and_the_display_is_ended() -> None:
    terminal = Terminal()
    with faults(ValueError):
        async with Network(pipeline(), name="photos", progress=terminal.console):
            raise ValueError
    assert "photos, stopped after" in terminal.getvalue()
    assert not isinstance(sys.stderr, Console)
    assert progress_display.Screen._taken is False


async def test_a_cancelled_network_says_so() -> None:
    terminal = Terminal()
    async with Network(pipeline(), name="photos", progress=terminal.console) as network:
        network.cancel()
    assert "photos, cancelled after" in terminal.getvalue()


@pytest.mark.parametrize("error", [OSError, SystemExit])
@pytest.mark.parametrize("breaks_after", [0, 10, 300, 900])
async def test_a_terminal_that_breaks_breaks_nothing(
    breaks_after: int, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    stdout, stderr = sys.stdout, sys.stderr
    with caplog.at_level(logging.WARNING, "penstock"):
        async with Network(pipeline(), name="photos", progress=Terminal(breaks_after, error).console) as network:
            await trio.sleep(1)
    assert network.balance().ok
    assert "network 'photos': its progress can no longer be shown" in caplog.text
    assert (sys.stdout, sys.stderr) == (stdout, stderr)


async def test_a_closed_standard_error_output_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for nowhere in (closed, None, Terminal(0, BrokenPipeError)):
        monkeypatch.setattr(sys, "stderr", nowhere)
        with faults(ValueError):
            async with Network(pipeline(), progress=True):
                raise ValueError


async def test_a_console_that_cannot_be_made_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Console:
        raise ValueError

    monkeypatch.setattr(progress_display, "standard_error", fail)
    async with Network(pipeline(), progress=True) as network:
        pass
    assert network.balance().ok


async def test_of_two_networks_at_once_one_has_the_screen() -> None:
    first, second = Terminal(), Terminal()
    async with (
        Network(pipeline(), name="first", progress=first.console),
        Network(pipeline(), name="second", progress=second.console),
    ):
        pass
    assert "first, done after" in first.getvalue()
    assert "numbers 30 of 30, double 30 of 30" in second.getvalue()


def test_it_must_be_a_console_or_a_switch() -> None:
    with pytest.raises(TypeError, match="network 'n': progress must be True, False or a rich Console, got 'yes'"):
        Network(name="n", progress="yes")  # type: ignore[arg-type]


def test_a_ticker_ends_with_its_loop() -> None:
    ticks: list[int] = []

    async def main() -> Ticker:
        ticker = Ticker(lambda: ticks.append(1), 0.0001)
        ticker.start()
        while len(ticks) < 2:
            await trio.lowlevel.checkpoint()
        return ticker

    ticker = trio.run(main)
    ticker._thread.join(60)
    assert not ticker._thread.is_alive()
    count = len(ticks)
    ticker.end()
    ticker._act()  # what was asked for just before the end
    assert len(ticks) == count


def test_rich_is_imported_only_when_it_is_used() -> None:
    command = "import sys, penstock.blocks; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


async def test_what_it_takes_to_show_the_end_is_no_time_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time_slice, "clock", lambda: now)

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            nonlocal now
            now += 1
            return len(text)

    call = Call[int](abs, name="call")
    async with Network(call, progress=Console(file=Slow())) as network:
        await wait_all_tasks_blocked()
        network.cancel()
    statistics = network.statistics()
    assert statistics["call"].wait_for_input.total <= statistics.seconds < now
