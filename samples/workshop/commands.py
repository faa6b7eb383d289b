"""What each command does: list, start, check, hint, solution."""

from __future__ import annotations

from pathlib import Path

import attrs

from penstock.samples.workshop.called import python_command, workshop_command
from penstock.samples.workshop.checking import check_file
from penstock.samples.workshop.exercise import EXERCISES, Exercise
from penstock.samples.workshop.options import Command, Options
from penstock.samples.workshop.progress import FILE_NAME, Entry, Progress, UnreadableProgress
from penstock.samples.workshop.screen import Screen
from penstock.samples.workshop.verdict import Outcome

__all__ = ["run_command"]


def run_command(options: Options, screen: Screen) -> int:
    """Do what the options say; return the exit status."""
    try:
        session = Session(options.folder, Progress.read(options.folder), screen)
        exercise = options.exercise
        if exercise is None:
            return session.list_exercises()
        match options.command:
            case Command.START:
                return session.start(exercise, options.again)
            case Command.CHECK:
                return session.check(exercise, options.time_limit)
            case Command.HINT:
                return session.hint(exercise)
            case _:
                return session.solution(exercise)
    except UnreadableProgress as error:
        screen.error(f"{FILE_NAME} is damaged ({error}); mend it or delete it: your answers are not in it")
    except OSError as error:
        screen.error(f"cannot use {error.filename or options.folder}: {error.strerror or error}")
    return 2


class Session:
    """One command of a learner.

    Args:
        folder: the learner's folder.
        progress: what was done so far.
        screen: shows what the command says.
    """

    def __init__(self, folder: Path, progress: Progress, screen: Screen) -> None:
        self._folder, self._progress, self._screen = folder, progress, screen

    def list_exercises(self) -> int:
        """Show the exercises and the state of each."""
        width = max(len(each.title) for each in EXERCISES)
        for each in EXERCISES:
            state = str(self._progress.entries.get(each.number, ""))
            self._screen.line(f"{each.number:3}  {each.title:{width}}  {each.minutes:3} min  {state}".rstrip())
        following = next((each.number for each in EXERCISES if not self._entry(each).is_solved), None)
        self._screen.line()
        if following is None:
            self._screen.line("All are solved.")
        elif following in self._progress.entries:
            self._screen.line(f"Go on: {workshop_command()} check {following}")
        else:
            self._screen.line(f"Begin: {workshop_command()} start {following}")
        return 0

    def start(self, exercise: Exercise, again: bool) -> int:
        """Copy the page and, unless it is there, the file to edit; show the page."""
        file = self._folder / exercise.file_name
        is_there = file.exists()
        if is_there and again:
            file.replace(file.with_suffix(".py.old"))
        (self._folder / exercise.page_name).write_text(exercise.page(), "utf-8")
        if again or not is_there:
            file.write_text(exercise.skeleton(), "utf-8")
        self._keep(exercise, self._entry(exercise))
        self._screen.page(exercise.page())
        self._screen.line()
        if "docs/" in exercise.page():
            self._screen.line("(The folder docs/ is in your checkout of Penstock.)")
        if is_there and not again:
            self._screen.line(f"Your file {file} was there already and stays as it is (--again begins anew).")
        elif is_there:
            self._screen.line(f"Your file is now {file.name}.old, and {file} begins anew.")
        else:
            self._screen.line(f"Edit {file}. The page is {exercise.page_name}, beside it.")
        self._screen.line(f"Run it: {python_command()} {file}")
        self._screen.line(f"Then: {workshop_command()} check {exercise.number}")
        return 0

    def check(self, exercise: Exercise, seconds: float) -> int:
        """Check the learner's file, and keep the result."""
        file = self._folder / exercise.file_name
        if not file.is_file():
            self._screen.error(f"there is no file {file}; {workshop_command()} start {exercise.number} makes it")
            return 2
        with self._screen.working(f"checking, for {seconds:g} s at most"):
            verdict = check_file(exercise, file, seconds)
        is_solved = verdict.outcome is Outcome.SOLVED
        before = self._entry(exercise)
        entry = attrs.evolve(before, checks=before.checks + 1, is_solved=before.is_solved or is_solved)
        self._keep(exercise, entry)
        self._screen.verdict(f"exercise {exercise.number}, {exercise.title.lower()}", verdict)
        if is_solved and exercise.number < len(EXERCISES):
            self._screen.line(f"\nNext: {workshop_command()} start {exercise.number + 1}")
        return 0 if is_solved else 1

    def hint(self, exercise: Exercise) -> int:
        """Show the hints so far, and one more."""
        entry, hints = self._entry(exercise), exercise.hints
        shown = min(entry.hints + 1, len(hints))
        if not entry.is_solved:
            self._keep(exercise, attrs.evolve(entry, hints=shown))
        for number, text in enumerate(hints[:shown], start=1):
            self._screen.line(f"Hint {number} of {len(hints)}: {text}", "" if number == shown else "dim")
        if shown == len(hints):
            self._screen.line(f"That was the last. An answer: {workshop_command()} solution {exercise.number}")
        return 0

    def solution(self, exercise: Exercise) -> int:
        """Show an answer."""
        entry = self._entry(exercise)
        if not entry.is_solved:
            self._keep(exercise, attrs.evolve(entry, saw_solution=True))
        self._screen.code(exercise.solution())
        return 0

    def _entry(self, exercise: Exercise) -> Entry:
        return self._progress.entries.get(exercise.number, Entry())

    def _keep(self, exercise: Exercise, entry: Entry) -> None:
        """Write the progress, if it has changed."""
        progress = self._progress.with_entry(exercise.number, entry)
        if progress != self._progress:
            self._progress = progress
            progress.write(self._folder)
