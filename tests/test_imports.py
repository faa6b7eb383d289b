"""The imports of the library, read with `ast`: who may know whom, and a package only hands names on."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from penstock import agents, blocks
from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import Block

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
LAYERS = ("blocks", "agents", "samples")  # each may import itself and those before it

MAY_KNOW: dict[str, set[str]] = {
    # a folder of blocks/ and those below it; "public" are the files blocks/*.py, "top" those that wire all
    "base": set(),
    "core": {"base"},
    "executors": {"base"},
    "memory": {"base"},
    "charts": {"base"},
    "functions": {"base", "core", "executors"},
    "public": {"base", "core", "functions"},
    "engine": {"base", "core"},
    "measuring": {"base", "core"},
    "recording": {"base", "core", "charts"},
    "liveness": {"base", "core"},
    "limits": {"base", "core"},
    "reports": {"base", "core", "charts", "measuring", "liveness"},
    "telemetry": {"base", "core", "recording"},
    "contract": {"base", "core", "public", "top"},
    "testkit": {"base", "core", "functions", "public", "top"},
    "streams": {"base", "core", "functions", "public"},
    "dashboard": {"base", "core", "charts", "measuring", "recording", "reports", "liveness"},
}
TOP = {"network", "testing", "pytest_plugin", "blocks"}

SAMPLES_MAY_KNOW: dict[str, set[str]] = {
    # a folder of samples/ and those it may know; "shared" are the files samples/*.py, "top" those that start a program
    "command": set(),
    "dashboard": set(),
    "shared": {"command"},
    "images": {"command", "shared"},
    "gui": {"command", "dashboard", "images", "shared"},
    "sentences": {"command", "shared"},
    "split": {"command", "shared"},
    "streams": {"command", "shared"},
    "lines": {"command", "shared"},
    "workshop": {"command", "dashboard", "images", "sentences", "shared", "streams"},
    "antipatterns": {"workshop"},
    "checks": {"workshop"},
    "skeletons": {"workshop"},
    "solutions": {"workshop"},
    "top": {
        "antipatterns",
        "command",
        "dashboard",
        "gui",
        "images",
        "lines",
        "sentences",
        "shared",
        "split",
        "streams",
        "workshop",
    },
}
SAMPLES_TOP = {"application", "__main__"}
HANDING_ON = {"TYPE_CHECKING", "hand_on"}
"""What a package imports in order to hand on the rest."""
PUBLIC_MODULES = {
    "penstock.agents.runtime",
    "penstock.agents",
    "penstock.blocks",
    "penstock.blocks.dashboard",
    "penstock.blocks.telemetry",
    "penstock.blocks.testing",
    "penstock.samples",
}

OF_OTHERS = {
    "penstock.blocks.base.threads": {"_worker"},  # of concurrent.futures
    "penstock.blocks.executors.client_lane": {"_client", "_shutdown"},  # of Dask's own executor
}
"""Private names of other packages, which have no public name there."""


class Import(NamedTuple):
    """One import as it is written: the full name of what is imported, where, and whether only for typing."""

    target: str
    line: int
    typing_only: bool


class Module(NamedTuple):
    """A parsed file of the library, and every import in it."""

    name: str
    path: Path
    tree: ast.Module
    imports: list[Import]


def read_modules(root: Path) -> dict[str, Module]:
    """Parse every module of the installed folders under `root`, keyed by import name."""
    modules: dict[str, Module] = {}
    for layer in LAYERS:
        for path in sorted((root / layer).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(["penstock", *(part for part in parts if part != "__init__")])
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]  # where relative names start
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
            modules[name] = Module(name, path, tree, list(find_imports(tree.body, package)))
    return modules


@cache
def own_modules() -> dict[str, Module]:
    """The modules of the library, parsed once."""
    return read_modules(ROOT)


@cache
def own_private_uses() -> list[str]:
    """Where a file of the library uses a private name of another, found once."""
    return private_uses(own_modules())


@pytest.fixture(scope="module", autouse=True)
def _forget() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """Let the trees go at the end: they are half a million objects, through which the garbage collector would look."""
    yield
    own_modules.cache_clear()


def is_type_checking(node: ast.If) -> bool:
    """Tell whether `node` is `if TYPE_CHECKING:`, however it is spelled."""
    return ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def find_imports(nodes: list[ast.stmt], package: str, typing_only: bool = False) -> Iterator[Import]:
    """Yield every import below `nodes`, in functions too: an import that is put off is still one."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package.split(".")[: -(node.level - 1) or None] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (Import(f"{base}.{alias.name}", node.lineno, typing_only) for alias in node.names)
        elif isinstance(node, ast.If) and is_type_checking(node):
            yield from find_imports(node.body, package, typing_only=True)
            yield from find_imports(node.orelse, package, typing_only)
        else:
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from find_imports(getattr(node, field, []), package, typing_only)


def layer_of(name: str) -> str | None:
    """The folder that an import name belongs to; None for what is not ours."""
    parts = name.split(".")
    return parts[1] if parts[0] == "penstock" and len(parts) > 1 and parts[1] in LAYERS else None


def check_direction(modules: dict[str, Module]) -> list[str]:
    """List the imports that go up: out of blocks into agents, or out of either into samples."""
    return [
        f"{module.path}:{found.line}: {module.name} imports {found.target}"
        for module in modules.values()
        for found in module.imports
        if (target := layer_of(found.target)) is not None
        if LAYERS.index(target) > LAYERS.index(layer_of(module.name) or "")
    ]


def find_cycle(modules: dict[str, Module]) -> list[str]:
    """Return the modules of one import cycle, the first one again at the end; empty if there is none."""
    graph: dict[str, set[str]] = {}
    for module in modules.values():
        is_package = module.path.name == "__init__.py"  # it imports later what it seems to import for typing only
        wanted = [i.target for i in module.imports if is_package or not i.typing_only]
        graph[module.name] = {
            name if name in modules else name.rpartition(".")[0]  # `from module import thing`
            for name in wanted
            if name in modules or name.rpartition(".")[0] in modules
        }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def room_of(name: str) -> str:
    """The room of a module of blocks: the folder below blocks/, or "public" or "top" for the files in it."""
    parts = name.split(".")[1:]
    if len(parts) > 2 or (len(parts) == 2 and parts[1] in MAY_KNOW):
        return parts[1]
    return "top" if parts[-1] in TOP else "public"


def own_imports(modules: dict[str, Module], module: Module) -> Iterator[tuple[str, int]]:
    """Yield the modules of ours that a module imports, for typing and late ones too, and the lines."""
    for found in module.imports:
        name = found.target if found.target in modules else found.target.rpartition(".")[0]
        if name in modules and name != module.name:
            yield name, found.line


def check_rooms(modules: dict[str, Module]) -> list[str]:
    """List the imports inside blocks/ that the table does not allow."""
    found: list[str] = []
    for module in modules.values():
        if layer_of(module.name) != "blocks" or room_of(module.name) == "top":
            continue
        here = room_of(module.name)
        for name, line in own_imports(modules, module):
            there = room_of(name)
            if layer_of(name) == "blocks" and here != there and there not in MAY_KNOW[here]:
                found.append(f"{module.name}:{line}: {here} must not know {there} ({name})")
    return sorted(set(found))


def room_of_sample(name: str) -> str:
    """The room of a module of samples: the innermost of its folders, or "shared" or "top"."""
    *folders, file = name.split(".")[2:] or [""]
    if file in SAMPLES_TOP and "gui" not in folders:
        return "top"
    return folders[-1] if folders else file if file in SAMPLES_MAY_KNOW else "shared"


def check_sample_rooms(modules: dict[str, Module]) -> list[str]:
    """List the imports inside samples/ that the table does not allow."""
    found: list[str] = []
    for module in modules.values():
        if layer_of(module.name) != "samples":
            continue
        here = room_of_sample(module.name)
        for name, line in own_imports(modules, module):
            there = room_of_sample(name)
            if layer_of(name) == "samples" and here != there and there not in SAMPLES_MAY_KNOW[here]:
                found.append(f"{module.name}:{line}: {here} must not know {there} ({name})")
    return sorted(set(found))


def find_deep_imports(texts: dict[str, str]) -> list[str]:
    """List where a text imports from a module of the library that is not public, in code or in what documents show."""
    pattern = re.compile(r"^\s*(?:from|import) (penstock\.(?:agents|blocks)[\w.]*)", re.MULTILINE)
    return [
        f"{name}: {module}"
        for name, text in texts.items()
        for module in pattern.findall(text)
        if module not in PUBLIC_MODULES
    ]


def files_in_circles(modules: dict[str, Module]) -> set[str]:
    """The modules that can be reached from themselves, imports for typing counted; packages that hand on left out."""
    graph = {
        module.name: {name for name, _ in own_imports(modules, module) if modules[name].path.name != "__init__.py"}
        for module in modules.values()
    }
    return {name for name in graph if name in reach(graph, name)}


def reach(graph: dict[str, set[str]], start: str) -> set[str]:
    """Everything that can be reached from a module in one step or more."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


def is_private(name: str) -> bool:
    """Whether a name has an underscore in front and is not one of Python's own."""
    return name.startswith("_") and not name.startswith("__")


def names_of(tree: ast.Module) -> set[str]:
    """The private names that a file gives to its own objects."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            names.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
    return {name for name in names if is_private(name)}


def private_uses(modules: dict[str, Module]) -> list[str]:
    """List where a file uses a private name that is another file's, by dot or by string."""
    own = {module.name: names_of(module.tree) for module in modules.values()}
    defined = set[str]().union(*own.values())
    found: list[str] = []
    for module in modules.values():
        foreign = defined - own[module.name] - OF_OTHERS.get(module.name, set())
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr in foreign:
                if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                    found.append(f"{module.name}:{node.lineno}: {node.attr}")
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr"):
                name = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
                if isinstance(name, str) and is_private(name) and name in foreign:
                    found.append(f"{module.name}:{node.lineno}: {name!r}")
    return found


@cache  # many classes have the same bases
def names_in_source(kind: type) -> set[str]:
    """The private names that a class gives to its own objects."""
    return names_of(ast.parse(textwrap.dedent(inspect.getsource(kind))))


def reserved_names(base: type) -> set[str]:
    """The private names that a subclass of a user must not use for itself: those of its bases and of their objects."""
    ours = [kind for kind in base.__mro__ if kind.__module__.startswith("penstock.")]
    names = {name for kind in ours for name in {*vars(kind), *names_in_source(kind)}}
    return {name for name in names if is_private(name) and name != "_abc_impl"}


def check_package(module: Module) -> list[str]:
    """List what is wrong with an `__init__.py`: more than imports, late ones too, and a sorted, complete `__all__`."""
    problems: list[str] = []
    handed_on: set[str] = set()
    exported: list[str] = []
    for number, node in enumerate(module.tree.body):
        if isinstance(node, ast.ImportFrom):
            handed_on.update(alias.asname or alias.name for alias in node.names if alias.name not in HANDING_ON)
        elif isinstance(node, ast.If) and is_type_checking(node):
            handed_on.update(alias.name for place in node.body for alias in getattr(place, "names", ()))
            if late_places(node) != typed_places(node):
                problems.append(f"{module.path}: what is imported late is not what type checkers see")
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            exported = ast.literal_eval(node.value)
        elif number or not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            problems.append(f"{module.path}:{node.lineno}: an __init__ only hands names on: {ast.unparse(node)}")
    if exported != sorted(exported, key=isort_style):
        problems.append(f"{module.path}: __all__ is not sorted")
    if difference := sorted(handed_on.symmetric_difference(exported)):
        problems.append(f"{module.path}: __all__ and the imports differ in {difference}")
    return problems


def typed_places(node: ast.If) -> dict[str, list[str]]:
    """The names that an `__init__.py` has for type checkers, by module."""
    places = [place for place in node.body if isinstance(place, ast.ImportFrom)]
    assert len(places) == len(node.body)
    return {"." * place.level + (place.module or ""): [alias.name for alias in place.names] for place in places}


def late_places(node: ast.If) -> dict[str, list[str]]:
    """The names that an `__init__.py` imports at their first use, by module."""
    (assign,) = node.orelse
    assert isinstance(assign, ast.Assign)
    assert isinstance(assign.value, ast.Call)
    assert ast.unparse(assign).startswith("__getattr__, __dir__ = hand_on(__name__, {")
    places: dict[str, str] = ast.literal_eval(assign.value.args[1])
    return {place: names.split() for place, names in places.items()}


def isort_style(name: str) -> tuple[int, str]:
    """Sort key of `__all__` as ruff sorts it: CONSTANTS, then Classes, then functions."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


MAY_BE_BARE = re.compile(rf"\b(?:from\s+|import\b(?:[^\n]|\\\n)*\b)(?:{'|'.join(LAYERS)})\b")
"""What the text of every bare import looks like, and that of a few others: only these files are worth a parse."""


def find_bare_imports(root: Path) -> list[str]:
    """List the imports of a bare folder, which would make a second copy of every class."""
    return [
        f"{path.relative_to(root)}:{found.line}: import {found.target}"
        for folder in (*LAYERS, "tests", "docs")
        for path in sorted((root / folder).rglob("*.py"))
        if MAY_BE_BARE.search(text := path.read_text(encoding="utf-8"))
        for found in find_imports(ast.parse(text).body, "penstock.relative")
        if found.target.partition(".")[0] in LAYERS
    ]


def test_agents_import_blocks_and_never_the_other_way_and_nothing_imports_samples() -> None:
    assert check_direction(own_modules()) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert find_cycle(own_modules()) == []


def test_in_blocks_everyone_knows_only_the_rooms_of_the_table() -> None:
    assert check_rooms(own_modules()) == []


def test_in_samples_everyone_knows_only_the_rooms_of_the_table() -> None:
    assert check_sample_rooms(own_modules()) == []


def test_samples_and_docs_use_public_names_of_the_library_only() -> None:
    files = [*(ROOT / "samples").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    assert find_deep_imports({str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}) == []


def test_in_samples_no_file_is_in_a_circle_and_none_uses_a_private_name_of_another() -> None:
    assert [name for name in files_in_circles(own_modules()) if layer_of(name) == "samples"] == []
    assert [use for use in own_private_uses() if use.startswith("penstock.samples.")] == []


def test_no_files_know_each_other_in_a_circle_not_even_for_typing() -> None:
    assert files_in_circles(own_modules()) == set()


def test_a_private_name_belongs_to_its_file() -> None:
    assert own_private_uses() == []


def is_part(thing: object) -> bool:
    """Whether something public is a class of blocks, agents or governors."""
    return isinstance(thing, type) and issubclass(thing, (Block, Agent, PipelineGovernor))


@pytest.mark.parametrize(
    "base",
    [thing for package in (blocks, agents) for name in package.__all__ if is_part(thing := getattr(package, name))],
)
def test_a_class_of_blocks_and_agents_reserves_one_private_name(base: type) -> None:
    assert reserved_names(base) == {"_core"}


def test_a_package_only_hands_names_on() -> None:
    packages = [module for module in own_modules().values() if module.path.name == "__init__.py"]
    assert [problem for package in packages for problem in check_package(package)] == []


def test_nobody_imports_a_folder_by_its_bare_name() -> None:
    assert find_bare_imports(ROOT) == []


# The checks above are only as good as what they find; here each of them has something to find.


def write(root: Path, files: dict[str, str]) -> Path:
    """Lay a small tree of source files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "text",
    [
        "from penstock.agents import Agent",
        "import penstock.agents.agent",
        "from ..agents.agent import Agent",
        "from .. import agents",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..agents import Agent",
        "def late():\n    try:\n        pass\n    finally:\n        from ..samples import images",
        "match 1:\n    case 1:\n        import penstock.samples",
    ],
)
def test_an_import_that_goes_up_is_found(tmp_path: Path, text: str) -> None:
    modules = read_modules(write(tmp_path, {"blocks/buffer.py": text}))
    assert len(check_direction(modules)) == 1


def test_an_import_that_goes_down_is_none_of_our_business(tmp_path: Path) -> None:
    files = {"agents/agent.py": "import trio\nfrom penstock.blocks import Source\nfrom .status import Status"}
    assert check_direction(read_modules(write(tmp_path, files))) == []


LATE = """
if TYPE_CHECKING:
    from .a import {typed}
else:
    __getattr__, __dir__ = hand_on(__name__, {{".a": "{late}"}})
"""


def test_a_circle_is_found_through_names_that_a_package_hands_on_late(tmp_path: Path) -> None:
    files = {"blocks/__init__.py": LATE.format(typed="A", late="A"), "blocks/a.py": "from . import A"}
    assert set(find_cycle(read_modules(write(tmp_path, files)))) == {"penstock.blocks", "penstock.blocks.a"}


def test_a_circle_is_found_even_through_a_function_and_not_through_typing(tmp_path: Path) -> None:
    files = {"blocks/a.py": "from .b import B", "blocks/b.py": "def f():\n    from . import a"}
    assert set(find_cycle(read_modules(write(tmp_path, files)))) == {"penstock.blocks.a", "penstock.blocks.b"}
    (tmp_path / "blocks/b.py").write_text("import typing\nif typing.TYPE_CHECKING:\n    from . import a")
    assert find_cycle(read_modules(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"""Doc."""\nfrom .a import A\nlimit = 3\n__all__ = ["A"]', "only hands names on"),
        ('from .a import A, B\n__all__ = ["B", "A"]', "not sorted"),
        ('from .a import A, B\n__all__ = ["A"]', "differ in ['B']"),
        ("from .a import A", "differ in ['A']"),
        ('from .a import A\n__all__ = ["A", "B"]', "differ in ['B']"),
        (f'{LATE.format(typed="A", late="A")}\n__all__ = ["A", "B"]', "differ in ['B']"),
        (f'{LATE.format(typed="A, B", late="A")}\n__all__ = ["A", "B"]', "not what type checkers see"),
        (f'{LATE.format(typed="A", late="A B")}\n__all__ = ["A"]', "not what type checkers see"),
    ],
)
def test_a_package_that_does_more_is_found(tmp_path: Path, text: str, problem: str) -> None:
    modules = read_modules(write(tmp_path, {"blocks/__init__.py": text}))
    (found,) = check_package(modules["penstock.blocks"])
    assert problem in found


@pytest.mark.parametrize(
    "text",
    [
        "import blocks",
        "from agents.agent import Agent",
        "import samples.images as s",
        "def f():\n    import trio, \\\n        blocks.base",
    ],
)
def test_a_bare_import_is_found_and_a_relative_one_is_none(tmp_path: Path, text: str) -> None:
    root = write(tmp_path, {"tests/test_a.py": text, "agents/b.py": "from . import blocks\nimport penstock.blocks"})
    assert len(find_bare_imports(root)) == 1


def test_an_import_against_the_table_is_found_even_if_it_is_for_typing(tmp_path: Path) -> None:
    text = "import typing\nif typing.TYPE_CHECKING:\n    from ..network import Network\nfrom ..base import log"
    files: dict[str, str] = dict.fromkeys(("blocks/network.py", "blocks/base/log.py", "blocks/base/__init__.py"), "")
    files["blocks/core/block.py"] = text
    assert check_rooms(read_modules(write(tmp_path, files))) == [
        "penstock.blocks.core.block:3: core must not know top (penstock.blocks.network)"
    ]


def test_a_sample_that_knows_another_sample_is_found(tmp_path: Path) -> None:
    files = {
        "samples/images/gui/hub.py": "from penstock.samples.images.run import run",
        "samples/images/run.py": "def f():\n    from penstock.samples.images.gui.hub import Hub",
        "samples/sentences/__main__.py": "from penstock.samples.sentences.program import run",
        "samples/sentences/program.py": "from penstock.samples.watch import Watch",
        "samples/watch.py": "",
    }
    assert check_sample_rooms(read_modules(write(tmp_path, files))) == [
        "penstock.samples.images.run:2: images must not know gui (penstock.samples.images.gui.hub)"
    ]


@pytest.mark.parametrize(
    "text", ["from penstock.blocks.core.block import Node", "Text.\n```python\nimport penstock.agents.agent\n```"]
)
def test_a_deep_import_is_found(text: str) -> None:
    public = (
        "from penstock.blocks import Node\nfrom penstock.blocks.testing import check_target\nimport penstock.agents"
    )
    assert len(find_deep_imports({"a": text, "b": public})) == 1


def test_a_circle_for_typing_is_found_with_all_its_files(tmp_path: Path) -> None:
    files = {
        "blocks/a.py": "from .b import B",
        "blocks/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import A",
        "blocks/c.py": "from .a import A",
    }
    assert files_in_circles(read_modules(write(tmp_path, files))) == {"penstock.blocks.a", "penstock.blocks.b"}


def test_a_private_name_of_another_file_is_found_by_dot_and_by_string(tmp_path: Path) -> None:
    files = {
        "blocks/a.py": "class A:\n    def _mine(self):\n        return self._mine()",
        "blocks/b.py": "def f(a):\n    return a._mine(), getattr(a, '_mine', None), a._unknown",
    }
    found = private_uses(read_modules(write(tmp_path, files)))
    assert sorted(found) == ["penstock.blocks.b:2: '_mine'", "penstock.blocks.b:2: _mine"]


def test_the_names_that_a_class_reserves_are_those_of_the_library_only() -> None:
    class Own(Agent):
        _mine = 1

        async def run(self) -> None:
            """Do nothing."""

    assert "_mine" not in reserved_names(Own)
    assert "_mine" not in reserved_names(Agent)
