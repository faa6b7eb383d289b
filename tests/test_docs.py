"""Every Python example of the README and of docs/ is run, and prints what the page says that it prints.

A page is one program: its ```python blocks run in order, in a process of their own, like the cells of a
notebook, so a later block goes on with what an earlier one defined. A ```text or ```output block right behind
a ```python block is what that block prints, exactly. Lines keep their numbers, so a traceback names the line
of the page.

A block that cannot run says so in the line above it, with the reason: `<!-- not-run: needs a cluster -->`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_generated" not in path.parts),
    *sorted((ROOT / "samples" / "workshop" / "pages").glob("*.md")),
]
MAX_NOT_RUN = 3  # of all the pages together: an example that is not run is a promise that nobody checks
NEEDS = {"telemetry": ("prometheus_client", "opentelemetry")}  # the extras that the examples of some pages need
TIME_LIMIT = 60.0  # seconds a page; an example that hangs must not take the whole suite with it

FENCE = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,}) *(?P<info>.*?) *")
NOT_RUN = re.compile(r"<!-- not-run:(?P<reason>.*)-->")
OUTPUT = {"text", "output"}


class Block(NamedTuple):
    """A fenced block; `line` is the number of its first line of content, `line - 1` is the fence."""

    info: str
    line: int
    content: list[str]

    @property
    def end(self) -> int:
        """The number of the line that closes the block."""
        return self.line + len(self.content)


def read_blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a Markdown page, in order."""
    opening: re.Match[str] | None = None
    content: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fence = FENCE.fullmatch(line)
        if opening is None:
            opening, content = fence, []
        elif fence and not fence["info"] and fence["marks"].startswith(opening["marks"]):
            yield Block(opening["info"], number - len(content), content)
            opening = None
        else:
            content.append(line.removeprefix(opening["indent"]))
    assert opening is None, f"the block {opening['info'] if opening else ''!r} is never closed"


class Page:
    """A page of documentation, taken apart into what is run and what should come out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.blocks = list(read_blocks("\n".join(self.lines)))
        self.not_run = [block for block in self.blocks if self._above(block).startswith("<!-- not-run")]
        self.examples = [block for block in self.blocks if block.info == "python" and block not in self.not_run]

    def _above(self, block: Block) -> str:
        return self.lines[block.line - 3].strip() if block.line > 2 else ""

    def problems(self) -> list[str]:
        """List the blocks that look like Python and would escape, and those not run for no reason."""
        disguised = [
            f"{self.path}:{block.line - 1}: write ```python, not {block.info!r}, so that it is run"
            for block in self.blocks
            if "py" in block.info.lower() and block.info != "python"
            if not block.info.startswith("{literalinclude}")  # a program that has tests of its own
        ]
        return disguised + [
            f"{self.path}:{block.line - 2}: say why: `<!-- not-run: the reason -->`"
            for block in self.not_run
            if not (found := NOT_RUN.fullmatch(self._above(block))) or not found["reason"].strip()
        ]

    def expected_output(self) -> dict[int, str]:
        """What the example that ends in a line must print, if it is followed by its output."""
        following = zip(self.blocks, self.blocks[1:], strict=False)
        return {
            block.end: "\n".join(after.content)
            for block, after in following
            if block in self.examples and after.info in OUTPUT
            if not any(line.strip() for line in self.lines[block.end : after.line - 2])
        }

    def program(self) -> str:
        """The page as a program: only the examples, each in its place, each with a mark behind its output."""
        program = [""] * len(self.lines)
        # the first line of a page is a heading; `-W` on the command line takes only the built-in warnings
        program[0] = "import warnings; warnings.filterwarnings('ignore', '.* held the event loop', RuntimeWarning)"
        for block in self.examples:
            program[block.line - 1 : block.end - 1] = block.content
            program[block.end - 1] = f"if __name__ == '__main__': print('\\x00{block.end}\\x00', end='', flush=True)"
        return "\n".join(program) + "\n"


def run_page(path: Path, folder: Path) -> list[str]:
    """Run the examples of a page in `folder` and list what went wrong, each with the line of the page."""
    page = Page(path)
    if problems := page.problems():
        return problems
    script = folder / f"page_{path.stem}.py"  # not the plain name: `docs/trio.md` must not hide trio
    script.write_text(page.program(), encoding="utf-8")
    command = [sys.executable, "-X", "dev", "-W", "error", str(script)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired:
        return [f"{path}: still running after {TIME_LIMIT:.0f} s"]
    if done.returncode:
        return [f"{path}: an example failed:\n{done.stderr.replace(str(script), str(path))}"]
    return compare(page, done.stdout)


def compare(page: Page, stdout: str) -> list[str]:
    """List the examples that were not reached, and those that printed something else than the page says."""
    parts = stdout.split("\0")
    printed = {int(end): text.rstrip() for text, end in zip(parts[0::2], parts[1::2], strict=False)}
    return [
        f"{page.path}:{example.line}: this example was not reached"
        for example in page.examples
        if example.end not in printed
    ] + [
        f"{page.path}:{end}: this example should print\n{text}\n--- but it printed\n{printed[end]}"
        for end, text in page.expected_output().items()
        if end in printed and printed[end] != text.rstrip()
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run_and_print_what_it_says(path: Path, tmp_path: Path) -> None:
    for package in NEEDS.get(path.stem, ()):
        pytest.importorskip(package)
    if problems := run_page(path, tmp_path):
        pytest.fail("\n".join(problems), pytrace=False)


def test_hardly_any_example_is_not_run() -> None:
    not_run = [f"{path}:{block.line}" for path in PAGES for block in Page(path).not_run]
    assert len(not_run) <= MAX_NOT_RUN, not_run


# The rest shows that a wrong page is found.


def run_text(folder: Path, *lines: str) -> str:
    path = folder / "page.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return "\n".join(run_page(path, folder)).replace(str(folder), "")


def test_a_later_block_goes_on_with_what_an_earlier_one_defined(tmp_path: Path) -> None:
    lines = ("```python", "x = 1", "```", "and", "* in a list", "  ```python", "  print(x + 1)", "  ```", "")
    assert run_text(tmp_path, *lines, "```text", "2", "```") == ""


def test_output_that_differs_is_shown_with_its_place(tmp_path: Path) -> None:
    found = run_text(tmp_path, "# Title", "```python", "print('a')", "print('b')", "```", "```output", "a", "```")
    assert found == "/page.md:5: this example should print\na\n--- but it printed\na\nb"


def test_a_block_further_down_is_no_output(tmp_path: Path) -> None:
    assert run_text(tmp_path, "```python", "print(1)", "```", "a picture:", "```text", "2", "```") == ""


def test_an_example_that_fails_names_its_line(tmp_path: Path) -> None:
    found = run_text(
        tmp_path, "# Title", "", "```python", "def f():", "    return 1 / 0", "```", "```python", "f()", "```"
    )
    assert '"/page.md", line 8, in <module>' in found
    assert '"/page.md", line 5, in f' in found
    assert "ZeroDivisionError" in found


def test_an_example_that_ends_the_page_is_found(tmp_path: Path) -> None:
    lines = ("```python", "raise SystemExit", "```", "```python", "1 / 0", "```")
    assert "page.md:5: this example was not reached" in run_text(tmp_path, *lines)


def test_a_warning_is_a_failure(tmp_path: Path) -> None:
    found = run_text(tmp_path, "```python", "import warnings", "warnings.warn('old', DeprecationWarning)", "```")
    assert "DeprecationWarning: old" in found


@pytest.mark.parametrize("info", ["py", "Python", "python3", "pycon", "python title=x", "{code-block} python"])
def test_python_under_another_name_does_not_escape(tmp_path: Path, info: str) -> None:
    assert "page.md:1: write ```python" in run_text(tmp_path, f"```{info}", "1 / 0", "```")


def test_a_block_is_not_run_only_for_a_reason(tmp_path: Path) -> None:
    block = ("```python", "1 / 0", "```")
    assert run_text(tmp_path, "<!-- not-run: needs a cluster -->", *block) == ""
    assert "page.md:1: say why" in run_text(tmp_path, "<!-- not-run: -->", *block)


def test_a_block_that_is_never_closed_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="never closed"):
        run_text(tmp_path, "```python", "print(1)")
