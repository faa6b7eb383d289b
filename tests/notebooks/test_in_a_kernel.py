"""What users meet in a notebook: cells that run in a real kernel of Jupyter."""

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # each test starts a kernel

Outputs = list[list[Any]]
Run = Callable[..., Outputs]

SETUP = """
import trio
from penstock.blocks import (
    Call, IterableSource, Network, Processes, Recording, Threads, Transformer, UnboundedBuffer,
)

def build(function=abs, **options):
    source, block = IterableSource(range(5)), Transformer(function, name="work", **options)
    results = UnboundedBuffer(name="results")
    source.link_target(block)
    block.link_target(results)
    return source, results

async def run(function=abs, network=None, **options):
    source, results = build(function, **options)
    async with Network(source, name="net", **(network or {})) as network:
        pass
    return network, [item async for item in results]
"""

LEFT = """
import psutil, threading
names = [thread.name for thread in threading.enumerate()]
threads = [name for name in names if ("worker" in name or "penstock" in name) and name != "penstock portal"]
children = [process.cmdline() for process in psutil.Process().children(recursive=True)]
print(threads, [line for line in children if "resource_tracker" not in str(line)])
"""  # multiprocessing keeps its tracker, and the portal stays as long as the loop of asyncio
NOTHING = "[] []"


def kinds(outputs: list[Any]) -> set[str]:
    """The kinds of data that a cell has displayed as its value."""
    (result,) = [output for output in outputs if output.output_type == "execute_result"]
    return set(result.data)


def text_of(outputs: list[Any]) -> str:
    """What a cell has printed, or its value as text; a warning that the machine is slow does not matter."""
    assert not [output for output in outputs if output.output_type == "error"]
    texts = [output.text for output in outputs if output.get("name") == "stdout"]
    texts += [output.data["text/plain"] for output in outputs if output.output_type == "execute_result"]
    return "".join(texts).strip()


def error_of(outputs: list[Any]) -> tuple[str, str]:
    """The error of a cell: its type and its message; IPython prints a group of exceptions as Python does."""
    for output in outputs:
        if output.output_type == "error":
            return output.ename, output.evalue
    printed = "".join(output.text for output in outputs if output.get("name") == "stderr")
    found = re.search(r"\| (\w*ExceptionGroup): (.*)", printed)
    assert found is not None
    return found[1], found[2]


def displays_of(outputs: list[Any]) -> list[Any]:
    """What a cell has displayed besides its value."""
    return [output.data for output in outputs if output.output_type == "display_data"]


def test_displays(run_cells: Run) -> None:
    _, new, _, network, report, statistics, balance, suggestion, recording = run_cells(
        SETUP,
        "Network(build()[0])",
        "recording = Recording()\nnetwork, results = trio.run(lambda: run(network=dict(recording=recording)))",
        "network",
        "network.report()",
        "network.statistics()",
        "network.balance()",
        "network.suggest()",
        "recording",
    )
    for drawn in (new, network, recording):
        assert kinds(drawn) == {"text/plain", "image/svg+xml"}
    assert "work" in new[-1].data["image/svg+xml"]
    for told in (report, statistics, balance, suggestion):
        assert kinds(told) == {"text/plain", "text/html"}
    assert text_of(balance).endswith("it adds up: every item is accounted for")
    assert text_of(report).startswith("network 'net', ended")


def test_functions_classes_and_exceptions_of_the_notebook_run_in_processes(run_cells: Run) -> None:
    *_, named, local, again, classes, left = run_cells(
        SETUP,
        "def double(number): return 2 * number",
        "trio.run(lambda: run(double, executor=Processes(1)))[1]",
        "factor = 3\ntrio.run(lambda: run(lambda number: factor * number, executor=Processes(1)))[1]",
        "def double(number): return -2 * number  # changed\ntrio.run(lambda: run(double, executor=Processes(1)))[1]",
        """
class Photo:
    def __init__(self, width):
        self.width = width

class Odd(Exception):
    pass

def shrink(number):
    if number % 2:
        raise Odd(number)
    return Photo(number)

[type(photo) is Photo and photo.width for photo in
 trio.run(lambda: run(shrink, executor=Processes(1), on_error="skip"))[1]]
""",
        LEFT,
    )
    assert text_of(named) == "[0, 2, 4, 6, 8]"
    assert text_of(local) == "[0, 3, 6, 9, 12]"
    assert text_of(again) == "[0, -2, -4, -6, -8]"
    assert text_of(classes) == "[0, 2, 4]"
    assert text_of(left) == NOTHING


def test_without_cloudpickle_the_cell_says_what_to_do(run_cells: Run) -> None:
    *_, failed = run_cells(
        SETUP,
        "import sys; sys.modules['cloudpickle'] = None\ndef double(number): return 2 * number",
        "Transformer(double, executor=Processes(1))",
    )
    kind, message = error_of(failed)
    assert kind == "TypeError"
    assert "pip install cloudpickle" in message


def test_cells_run_in_trio_after_one_line(run_cells: Run) -> None:
    _, refused, _, awaited, body, left = run_cells(
        SETUP,
        "await run()",
        "%autoawait trio",
        "(await run())[1]",
        """
source, results = build()
async with Network(source):
    got = [item async for item in results]
got
""",
        LEFT,
    )
    kind, message = error_of(refused)
    assert kind == "RuntimeError"
    assert "a notebook cell runs in asyncio" in message
    assert "%autoawait trio" in message
    assert text_of(awaited) == text_of(body) == "[0, 1, 2, 3, 4]"
    assert text_of(left) == NOTHING


FAILURES = {
    "a stage": "trio.run(lambda: run(lambda number: 1 // (3 - number), executor={executor}))",
    "the body": """
async def fail():
    source, results = build(executor={executor})
    async with Network(source):
        await results.receive()
        raise ZeroDivisionError
trio.run(fail)
""",
    "an interrupt": """
import time, _thread, threading

def slow(number):
    if number == 2:
        time.sleep(0.3)
    return number

async def wait():
    source, results = build(slow, executor={executor})
    async with Network(source):
        async for number in results:
            if number == 1:
                _thread.interrupt_main()
        await trio.sleep_forever()
trio.run(wait)
""",
}


@pytest.mark.parametrize("executor", ["None", "Threads(2)", "Processes(1)"])
def test_a_cell_that_fails_leaves_nothing_behind(run_cells: Run, executor: str) -> None:
    failures = [code.format(executor=executor) for code in FAILURES.values()]
    _, first, left_first, second, left_second, third, left_third, after = run_cells(
        SETUP, failures[0], LEFT, failures[1], LEFT, failures[2], LEFT, "trio.run(run)[1]"
    )
    assert error_of(first)[0] == error_of(second)[0] == "ExceptionGroup"
    assert error_of(third)[0] in ("KeyboardInterrupt", "BaseExceptionGroup")
    assert text_of(left_first) == text_of(left_second) == text_of(left_third) == NOTHING
    assert text_of(after) == "[0, 1, 2, 3, 4]"


def test_progress_is_one_display_below_the_cell(run_cells: Run) -> None:
    slow = "lambda number: __import__('time').sleep(0.15) or number"
    _, shown, failed = run_cells(
        SETUP,
        f"network, results = trio.run(lambda: run({slow}, dict(progress=True), executor=Threads(1)))",
        "trio.run(lambda: run(lambda number: 1 // number, dict(progress=True)))",
    )
    (display,) = displays_of(shown)
    assert display["text/plain"].startswith("net, done after ")
    assert "5 of 5" in display["text/plain"]
    assert "<table" in display["text/html"]
    (display,) = displays_of(failed)
    assert display["text/plain"].startswith("net, stopped after ")
    assert error_of(failed)[0] == "ExceptionGroup"


def test_two_networks_at_once_have_a_display_each(run_cells: Run) -> None:
    _, shown = run_cells(
        SETUP,
        """
async def both():
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(run, abs, dict(progress=True))
trio.run(both)
""",
    )
    displays = displays_of(shown)
    assert len(displays) == 2
    assert all(" done after " in display["text/plain"] for display in displays)


def test_a_pipeline_is_displayed_and_runs_in_a_cell_in_each_way(run_cells: Run) -> None:
    _, drawn, ran, collected, streamed, left = run_cells(
        """
from penstock.agents import Pipeline
from penstock.blocks import Processes, Threads
factor = 2
doubled = Pipeline(lambda number: factor * number, executor=Processes(1)).map(abs, executor=Threads(1))
""",
        "doubled",
        "list(doubled.run(range(-2, 3), progress=True))",
        "await doubled.collect(range(-2, 3))",
        """
got = []
async with doubled.stream(iter(range(-2, 3))) as results:
    async for number in results:
        got.append(number)
        if number == 2:
            break
got
""",
        LEFT,
    )
    assert kinds(drawn) == {"text/plain", "image/svg+xml"}
    assert text_of(ran) == text_of(collected) == "[4, 2, 0, 2, 4]"
    (display,) = displays_of(ran)
    assert " done after " in display["text/plain"]
    assert text_of(streamed) == "[4, 2]"
    assert text_of(left) == NOTHING
