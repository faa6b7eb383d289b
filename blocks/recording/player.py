"""Shows a recorded run on a terminal, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..base.activity import Activity
from ..charts.colours import item_colour
from ..charts.span import Span
from ..charts.ticks import duration
from .recording import Recording
from .step import RunState, Step

HELP = "Enter: next; a number: skip that many; b: back; q: quit"
MOST_ITEMS = 8
"""The maximum number of item numbers in one cell."""
WAITS = {
    Activity.WAIT_FOR_INPUT: "for an item",
    Activity.WAIT_FOR_OUTPUT: "to hand one on",
    Activity.WAIT_FOR_RATE: "for the rate",
}


class Player:
    """Shows the steps of a recording.

    Args:
        recording: The recording to show.
        console: Where to print.
        ask: Shows a prompt and returns the line that was typed.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        recording: Recording,
        console: Console,
        ask: Callable[[str], str],
        sleep: Callable[[float], None],
    ) -> None:
        self._recording = recording
        self._steps: Sequence[Step] = tuple(recording.steps())
        self._console = console
        self._ask = ask
        self._sleep = sleep

    def play(self, delay: float) -> None:
        """Show all steps, with a pause of `delay` seconds after each.

        With a pause, a terminal also shows the state after each step.
        """
        self._heading()
        if delay and self._console.is_terminal:
            self._animate(delay)
            return
        for step in self._steps:
            self._console.print(self._line(step), soft_wrap=True)
            if delay:
                self._sleep(delay)

    def _animate(self, delay: float) -> None:
        """Scroll the steps above the table, which stays in place."""
        with Live(console=self._console, auto_refresh=False) as live:
            for step in self._steps:
                self._console.print(self._line(step), soft_wrap=True)
                live.update(self._table(step.state), refresh=True)
                self._sleep(delay)

    def browse(self) -> None:
        """Show the steps that the user asks for, one by one, until the user quits or the input ends."""
        self._heading()
        here = -1
        while True:
            try:
                answer = self._ask(f"{here + 1}/{len(self._steps)} > ").strip().lower()
            except EOFError:
                self._console.print()
                return
            if answer == "q":
                return
            here = self._go(here, answer)

    def _go(self, here: int, answer: str) -> int:
        """Show the step that the user's answer asks for, and return its number."""
        if answer not in {"", "b"} and not answer.isdecimal():
            self._console.print(HELP)
            return here
        there = here - 1 if answer == "b" else here + (int(answer) if answer else 1)
        if there >= len(self._steps):
            self._console.print("That was all. " + HELP)
        there = min(max(there, 0), len(self._steps) - 1)
        if there >= 0 and there != here:
            self._console.print(self._line(self._steps[there]), soft_wrap=True)
            self._console.print(self._table(self._steps[there].state))
        return there

    def _heading(self) -> None:
        recording = self._recording
        text = f"{recording.network or 'network'}: {duration(recording.seconds)}, {len(self._steps)} steps"
        missing = f"; {recording.dropped} older spans were dropped" if recording.dropped else ""
        self._console.print(Text(text + missing, "bold"))

    def _line(self, step: Step) -> Text:
        span = step.span
        line = Text.assemble((f"{step.time * 1000:12,.3f} ms  ", "dim"))
        line.append(step.sentence, "dim" if span.activity is not Activity.WORK else "bold red" if span.error else "")
        line.highlight_regex(rf"\bitem {span.item}\b", item_style(span.item))
        if span.label and span.activity is Activity.WORK:
            line.append(f"  {span.label}")
        return line

    def _table(self, state: RunState) -> Table:
        """Make a table of a state: a row per stage, and below it a row per outgoing link that has items."""
        table = Table("stage", "works on", "waits", "done", show_edge=False, pad_edge=False)
        for stage in self._recording.stages:
            working = [span for span in state.working if span.stage == stage]
            waiting = [span for span in state.waiting if span.stage == stage]
            done = state.done[stage]
            table.add_row(Text(stage), items_text([s.item for s in working]), waits_text(waiting), items_text(done))
            for (source, target), items in state.between.items():
                if source == stage and items:
                    table.add_row(Text(f"  → {target}", "dim"), items_text(items))
        return table


def item_style(item: int) -> str:
    """The style of an item: dark letters on the item's colour, readable on dark and light terminals."""
    return f"#101010 on {item_colour(item)}" if item else ""


def items_text(items: Sequence[int]) -> Text:
    """The numbers of the items, each in its colour; only the last ones if there are many."""
    text = Text(f"{len(items)} items: …" if len(items) > MOST_ITEMS else "")
    for item in items[-MOST_ITEMS:]:
        text.append(" " if text else "")
        text.append(str(item) if item else "·", item_style(item))
    return text


def waits_text(spans: Sequence[Span]) -> Text:
    """The number of workers that wait, by what they wait for."""
    counts = Counter(span.activity for span in spans)
    return Text(", ".join(f"{counts[activity]} {what}" for activity, what in WAITS.items() if counts[activity]))
