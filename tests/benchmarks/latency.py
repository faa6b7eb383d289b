"""How late another trio task is that wakes every 10 ms, while a chain of two functions of 10 µs runs flat out.

A busy machine makes tasks late too. So an idle loop takes turns with the chain, and where that one misses half the
target, lateness says nothing about the chain. What the chain does by itself shows in any case in the processor time
of one pass of trio's loop: on a machine with nothing else to do no task is late by more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter, thread_time

import trio

from penstock.blocks import Call, IterableSource, Network, Transformer

from .measuring import Effort, Row, WrongResult, percentile
from .workloads import counting_sink, spin

ITEMS = 100_000
PERIOD = 0.01
AT_MOST_MS = 5


class Passes(trio.abc.Instrument):
    """Notes the processor seconds of each pass of trio's loop, in which every runnable task runs once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = thread_time()

    def after_io_wait(self, timeout: float) -> None:
        del timeout
        self._start = thread_time()

    def before_io_wait(self, timeout: float) -> None:
        del timeout
        self.seconds.append(thread_time() - self._start)


async def watch(late: list[float]) -> None:
    """Wake every 10 ms and note how late that was."""
    while True:
        due = perf_counter() + PERIOD
        await trio.sleep(PERIOD)
        late.append(perf_counter() - due)


async def run_chain(items: int, by_hand: bool) -> None:
    sink, count = counting_sink()
    first, second, last = Transformer(spin, name="first"), Transformer(spin, name="second"), Call(sink)
    first.link_target(second)
    second.link_target(last)
    if by_hand:
        async with Network(first):
            for x in range(items):
                await first.send(x)
    else:
        source = IterableSource(range(items))
        source.link_target(first)
        async with Network(source):
            pass
    if count() != items:
        raise WrongResult(f"{items} items went in and {count()} came out")


def run_busy(by_hand: bool, items: int, late: list[float], passes: Passes) -> None:
    """Note how late each wake-up was while the chain ran."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, late)
            await run_chain(items, by_hand)
            nursery.cancel_scope.cancel()

    trio.run(main, instruments=[passes])


def run_idle(items: int, late: list[float], passes: Passes) -> None:
    """The same for as long on a loop that has nothing else to do: what the machine itself adds."""

    async def main() -> None:
        with trio.move_on_after(items * 2e-5):
            await watch(late)

    trio.run(main, instruments=[passes])


def rows(effort: Effort) -> Iterator[Row]:
    """Compare a chain that is fed from a source, one that is fed by hand, and an idle loop."""
    items = effort.items(ITEMS, 2_000)
    programs: dict[str, Callable[[int, list[float], Passes], None]] = {
        "idle loop": run_idle,
        "from a source": partial(run_busy, False),
        "await send": partial(run_busy, True),
    }
    late: dict[str, list[float]] = {name: [] for name in programs}
    passes = {name: Passes() for name in programs}
    for _ in range(effort.rounds):
        for name, program in programs.items():
            program(items, late[name], passes[name])
    noise = percentile(late["idle loop"], 0.99) * 1e3
    yield Row("latency", "idle loop", f"p99 {noise:.2f} ms late")
    for name in ("from a source", "await send"):
        high = percentile(late[name], 0.99) * 1e3
        verdict = high < AT_MOST_MS
        too_noisy = not verdict and noise > AT_MOST_MS / 2
        target = "machine too noisy" if too_noisy else f"< {AT_MOST_MS} ms"
        yield Row("latency", name, f"p99 {high:.2f} ms late", target=target, is_met=None if too_noisy else verdict)
        held = percentile(passes[name].seconds, 0.99) * 1e3
        value = f"p99 {held:.2f} ms a pass, processor"
        yield Row("latency", name, value, target=f"< {AT_MOST_MS} ms", is_met=held < AT_MOST_MS)
