"""Writes what the documentation says about every block out of the code itself, before Sphinx reads the pages.

Each function in `PARTS` returns the Markdown of one file in docs/_generated/, which git ignores. A page shows
it with

    ```{include} ../_generated/blocks.md
    ```

so a block that is added, or whose docstring changes, cannot be missing from the page or differ from it.

Every block states six points in its docstring, as a list: "- Order: first in, first out." A block that lacks one of
them, or has them in another order, stops the build.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from sphinx.application import Sphinx

import penstock.agents
import penstock.blocks
from marble_runs import SCENES, STREAMS, run_scene
from marble_svg import draw
from penstock.agents import Askable
from penstock.blocks import Block, Buffer, Source, Target

PACKAGES = (penstock.blocks, penstock.agents)
BASES = (Askable, Block, Buffer, Source, Target)
POINTS = ("Inputs and outputs", "Order", "Holds", "Back-pressure", "Ends", "Fails")
OPTIONS = ("capacity", "concurrency", "executor", "ordered", "window", "on_error", "filter")
DEFAULTS = {
    "capacity": "no bound",
    "executor": "none",
    "filter": "yes",
    "on_error": "none",
    "ordered": "`True`, without `key`",
    "window": "by concurrency",
}
"""What None means as the default of an option."""
ROLES = {(True, True): "both", (True, False): "source", (False, True): "target"}
POINT = re.compile(r"^- (?P<name>[^:\n]+): (?P<text>.*(?:\n  .*)*)", re.MULTILINE)


def find_blocks() -> Iterator[type]:
    """Yield the blocks that the packages hand on, without the bases that they share."""
    for package in PACKAGES:
        for name in package.__all__:
            found = getattr(package, name)
            if inspect.isclass(found) and issubclass(found, Block) and found not in BASES:
                yield found


def full_name(block: type) -> str:
    """The name that users import a block by."""
    package = ".".join(block.__module__.split(".")[:2])
    return f"{package}.{block.__name__}"


def name_of(block: type) -> str:
    """A reference to the page of a block."""
    return f"{{py:class}}`~{full_name(block)}`"


def description(block: type) -> str:
    """The description of a block, with the one signature that is called instead of its overloads."""
    signature = inspect.signature(block)
    parameters = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    plain = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return f"```{{eval-rst}}\n.. autoclass:: {full_name(block)}{plain}\n```\n{marbles_of(block)}"


def marbles_of(block: type) -> str:
    """The marble diagram of a block, from a run; empty for a block that has none."""
    return marbles(block.__name__) if block.__name__ in SCENES else ""


def marbles(name: str) -> str:
    """The marble diagram of a scene."""
    return f"\nA run of it, with a column per second:\n\n```{{raw}} html\n{draw(run_scene(name))}\n```\n"


def points_of(block: type) -> dict[str, str]:
    """What the docstring of a block says about each of the six points."""
    found = {point["name"]: " ".join(point["text"].split()) for point in POINT.finditer(inspect.getdoc(block) or "")}
    if tuple(found) != POINTS:
        raise ValueError(f"{block.__name__}: the docstring must state {', '.join(POINTS)}; it has {', '.join(found)}")
    return found


def option_of(block: type, option: str) -> str:
    """The default of an option as a cell of the table; "—" if the block has no such option."""
    parameter = inspect.signature(block).parameters.get(option)
    if parameter is None:
        return "—"
    if parameter.default is inspect.Parameter.empty:
        return "must be given"
    if parameter.default is None:
        return DEFAULTS[option]
    return f"`{parameter.default!r}`"


def property_table(blocks: Iterable[type]) -> str:
    """A row a block: what it is in a network, and its options with their defaults."""
    rows = [
        "| block | is | " + " | ".join(f"`{option}`" for option in OPTIONS) + " |",
        "|---" * (len(OPTIONS) + 2) + "|",
    ]
    for block in blocks:
        role = ROLES[issubclass(block, Source), issubclass(block, Target)]
        options = " | ".join(option_of(block, option) for option in OPTIONS)
        rows.append(f"| {name_of(block)} | {role} | {options} |")
    return "\n".join([*rows, ""])


def points_tables(blocks: Iterable[type]) -> str:
    """A section a point, with a row for each block."""
    points = {block: points_of(block) for block in blocks}
    lines: list[str] = []
    for name in POINTS:
        rows = [f"| {name_of(block)} | {text[name][0].upper()}{text[name][1:]} |" for block, text in points.items()]
        lines += [f"### {name}", "", "| block | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def summary_of(thing: object) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def block_table() -> str:
    """A row a block: its name and what it does."""
    rows = [f"| {name_of(block)} | {summary_of(block)} |" for block in find_blocks()]
    return "\n".join(["| block | what it does |", "|---|---|", *rows, ""])


def names_table() -> str:
    """A row a public name; a reference that leads nowhere stops the build, so every name has a description."""
    rows = [
        f"| {{py:obj}}`~{package.__name__}.{name}` | `{package.__name__}` | {summary_of(getattr(package, name))} |"
        for package in PACKAGES
        for name in sorted(package.__all__)
        # handed on from where it is at home; the version has no home
        if getattr(getattr(package, name), "__module__", "").startswith(package.__name__)
    ]
    return "\n".join(["| name | import from | what it is |", "|---|---|---|", *rows, ""])


PARTS: dict[str, Callable[[], str]] = {
    "blocks.md": block_table,
    "names.md": names_table,
    "properties.md": lambda: property_table(find_blocks()),
    "points.md": lambda: points_tables(find_blocks()),
    **{f"{name}.md": partial(marbles, name) for name in STREAMS},
    **{f"{block.__name__}.md": partial(description, block) for block in find_blocks()},
}


def write_parts(app: Sphinx) -> None:
    """Write every part; a file that would not change is left alone, so that Sphinx does not read it again."""
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    for name, part in PARTS.items():
        path, text = folder / name, part()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_parts)
    return {"parallel_read_safe": True}
