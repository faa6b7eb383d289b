"""SIGTERM and SIGHUP as Ctrl-C: in plain code, in trio, and where Ctrl-C itself is ignored."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator

import pytest
import trio

from penstock.samples.command.signals import stopped_by_signals

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere a signal ends the process at once")


@pytest.fixture(autouse=True)
def handlers_of_a_fresh_process() -> Generator[None]:
    numbers = [signal.SIGINT, *SIGNALS]
    before = [signal.getsignal(number) for number in numbers]
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, *SIGNALS])
def test_each_signal_interrupts_and_tells_its_status(number: signal.Signals) -> None:
    with stopped_by_signals() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stop.exit_status == 128 + number


@pytest.mark.parametrize("number", SIGNALS)
def test_trio_is_interrupted_where_it_may_be(number: signal.Signals) -> None:
    cleaned_up: list[str] = []

    async def main() -> None:
        try:
            with trio.CancelScope(shield=True):
                trio.lowlevel.current_trio_token().run_sync_soon(signal.raise_signal, number)
                await trio.sleep_forever()
        finally:
            cleaned_up.append("yes")

    with stopped_by_signals() as stop:
        with pytest.raises(KeyboardInterrupt):
            trio.run(main)
        assert stop.exit_status == 128 + number
    assert cleaned_up == ["yes"]


def test_the_handlers_before_come_back() -> None:
    with stopped_by_signals():
        assert all(signal.getsignal(number) is not signal.SIG_DFL for number in SIGNALS)
    assert all(signal.getsignal(number) is signal.SIG_DFL for number in SIGNALS)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_what_is_ignored_stays_ignored_as_nohup_wants_it() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopped_by_signals():
        signal.raise_signal(signal.SIGHUP)


def test_sigterm_ends_what_a_shell_script_runs_in_the_background_where_ctrl_c_is_ignored() -> None:
    program = """if True:
        import os, signal, sys, trio
        from penstock.samples.command.signals import stopped_by_signals

        async def main():
            os.kill(os.getpid(), signal.SIGINT)  # takes no effect
            print("running", flush=True)
            await trio.sleep_forever()

        with stopped_by_signals() as stop:
            try:
                trio.run(main)
            except KeyboardInterrupt:
                print("cleaned up", flush=True)
        sys.exit(stop.exit_status)
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert output == "cleaned up\n"
    assert process.returncode == 128 + signal.SIGTERM


async def test_in_another_thread_signals_are_left_alone() -> None:
    def work() -> int:
        with stopped_by_signals() as stop:
            return stop.exit_status

    assert await trio.to_thread.run_sync(work) == 130
