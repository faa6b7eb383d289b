"""What the library says through the logger "penstock"."""

import logging
import subprocess
import sys

import pytest

from penstock.blocks import Call, DeadLetter, Network, Retry, UnboundedBuffer
from tests.blocks.tools import Fussy, faults

QUIET = """
import trio
from penstock.blocks import Call, Network

async def main():
    call = Call(lambda item: 1 / item, on_error="skip")
    async with Network(call):
        await call.send(0)

trio.run(main)
"""


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "penstock" and record.levelno == level]


async def test_the_beginning_and_the_end_of_a_run_are_for_who_looks_closely(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "penstock"):
        async with Network(Call[int](abs), name="small"):
            pass
    start, end = said(caplog, logging.DEBUG)
    assert start == "network 'small': starts with 1 blocks and agents"
    assert end.startswith("network 'small': ended after ")
    assert end.endswith("error: None")


async def test_what_a_policy_does_is_told_item_by_item(caplog: pytest.LogCaptureFixture) -> None:
    letters: UnboundedBuffer[object] = UnboundedBuffer()
    skips = Call[int](Fussy(1), on_error="skip", name="skips")
    dies = Call[int](Fussy(1), on_error=DeadLetter(letters), name="dies")
    tries = Call[int](Fussy(1, times=1), on_error=Retry(2, backoff=0), name="tries")
    with caplog.at_level(logging.INFO, "penstock"):
        for block in (skips, dies, tries):
            async with Network(block):
                await block.send(0)
                await block.send(1)
    assert [line.rpartition(": ")[0] for line in said(caplog, logging.INFO)] == [
        "call 'skips': item 2: skip",
        "call 'dies': item 2: dead letter",
        "call 'tries': item 2: retry",
    ]


async def test_a_fault_is_told_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    call = Call[int](Fussy(1), name="call")
    with caplog.at_level(logging.INFO, "penstock"), faults(ValueError):
        async with Network(call, name="small"):
            await call.send(1)
    (line,) = said(caplog, logging.INFO)
    assert line.startswith("network 'small': fault in call, item 1: ")


class Mute(Exception):
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


def refuse(item: object) -> None:
    raise Mute(item)


async def test_an_exception_that_cannot_be_shown_is_told_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "penstock"):
        async with Network(call := Call[int](refuse, on_error="skip", name="call")):
            await call.send(1)
    assert said(caplog, logging.INFO) == ["call 'call': item 1: skip: <Mute whose repr raised ZeroDivisionError>"]


def test_by_itself_it_is_quiet() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
