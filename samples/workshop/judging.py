"""Loads a learner's file and checks it; whatever is wrong with the file becomes a verdict."""

from __future__ import annotations

import linecache
import sys
import tokenize
import traceback
from pathlib import Path
from types import ModuleType

from penstock.samples.workshop.exercise import Exercise
from penstock.samples.workshop.laws import Refused, leaves
from penstock.samples.workshop.verdict import Outcome, Verdict

__all__ = ["judge", "place"]


def judge(exercise: Exercise, path: Path) -> Verdict:
    """Check the answer in a file.

    It runs the learner's code in this process: call it in a process of its own, with a time limit.
    """
    path = path.resolve()
    try:
        answer = load(path)
    except SyntaxError as error:
        if error.filename not in (str(path), None):
            return _raised(path, error)
        if error.lineno is None or error.text is None:
            what = f"{path.name} is not plain text in UTF-8"
            return Verdict(Outcome.BROKEN, what, "Python cannot read the file. Save it as text in UTF-8.")
        where = f"line {error.lineno}: {error.msg}\n    {error.text.strip()}"
        return Verdict(Outcome.BROKEN, where, f"Python cannot read the file. Correct line {error.lineno}.")
    except (Exception, SystemExit) as error:
        return _raised(path, error)
    try:
        return Verdict(Outcome.SOLVED, exercise.check(answer))
    except Refused as refused:
        return Verdict(Outcome.REFUSED, refused.seen, refused.hint, refused.law)
    except (Exception, SystemExit) as error:
        return _raised(path, error)


def load(path: Path) -> ModuleType:
    """Run a file as a module, from its text and never from a cache."""
    linecache.checkcache(str(path))
    try:
        with tokenize.open(path) as file:
            code = compile(file.read(), str(path), "exec", dont_inherit=True)
    except ValueError as error:  # no UTF-8, or a null byte
        raise SyntaxError(str(error), (str(path), None, None, None)) from None
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module  # dataclasses and pickles look there
    exec(code, vars(module))
    return module


def place(path: str, frames: traceback.StackSummary) -> str:
    """Return the innermost line of a file in a stack; empty if the stack is elsewhere."""
    lines = [frame for frame in frames if frame.filename == path]
    return f"line {lines[-1].lineno}, in {lines[-1].name}: {lines[-1].line}" if lines else ""


def _raised(path: Path, error: BaseException) -> Verdict:
    """What to say about an exception of the learner's code."""
    whole, error = error, next(iter(leaves(error)), error)
    where = place(str(path), traceback.extract_tb(error.__traceback__))
    where = where or place(str(path), traceback.extract_tb(whole.__traceback__))
    notes = [f"    {note}" for note in getattr(error, "__notes__", ())]
    if isinstance(error, NotImplementedError):
        return Verdict(Outcome.BROKEN, where or str(error), "This part is still to be written; see the page.")
    if isinstance(error, SystemExit):
        hint = "Leave out `exit`: the check goes on after your code."
    elif isinstance(error, MemoryError):
        hint = "Your program keeps too much. What does it collect, and who takes it out again?"
    elif isinstance(error, ModuleNotFoundError):
        hint = f"Install {error.name!r} in this Python, or correct its name."
    elif not where and not notes:
        hint = "The check cannot use what your code returns. Compare names, arguments and results with the skeleton."
    else:
        hint = "Run the file itself to see the whole traceback: `python " + path.name + "`."
    what = [f"{type(error).__name__}: {error}", *([where] if where else []), *notes]
    return Verdict(Outcome.BROKEN, "\n".join(what), hint)
