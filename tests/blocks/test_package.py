"""What `penstock.blocks` and `penstock.agents` hand on is imported at its first use, and nothing else is."""

import functools
import subprocess
import sys
from types import ModuleType

import pytest

from penstock import agents, blocks

BOTH = pytest.mark.parametrize("package", [blocks, agents])


@BOTH
def test_a_package_has_all_its_names_and_tells_them(package: ModuleType) -> None:
    assert {*package.__all__, "__name__", "__path__"} <= {*dir(package)}
    assert all(getattr(package, name) is getattr(package, name) for name in package.__all__)
    assert sorted(dir(package)) == dir(package)


@BOTH
def test_a_name_that_it_has_not_is_an_error_of_the_usual_kind(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=rf"module '{package.__name__}' has no attribute 'Bufer'") as caught:
        _ = package.Bufer
    assert caught.value.name == "Bufer"
    assert not hasattr(package, "Bufer")
    with pytest.raises(ImportError, match="cannot import name 'Bufer'"):
        exec(f"from {package.__name__} import Bufer")


def test_all_names_can_be_had_at_once() -> None:
    names: dict[str, object] = {}
    exec("from penstock.blocks import *\nfrom penstock.agents import *", names)
    assert {*blocks.__all__, *agents.__all__} <= {*names}


@functools.cache
def loaded_by(program: str) -> set[str]:
    """The modules that a program loads, without those that are there before it (such as coverage's)."""
    lines = ["import sys", "before = {*sys.modules}", program, "print(*{*sys.modules} - before)"]
    command = [sys.executable, "-c", "\n".join(lines)]
    return {*subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()}


def test_to_import_a_package_loads_nothing_else() -> None:
    loaded = loaded_by("import penstock.blocks, penstock.agents")
    assert {name for name in loaded if name.startswith("penstock.")} == {
        "penstock.agents",
        "penstock.blocks",
        "penstock.blocks.base",
        "penstock.blocks.base.handing_on",
    }
    assert not loaded & {"attrs", "multiprocessing", "rich", "trio"}


def test_a_simple_program_does_not_load_what_few_programs_use() -> None:
    loaded = loaded_by("from penstock.agents import Agent\nfrom penstock.blocks import Call, Network, Transformer")
    few = {"concurrent.futures.process", "json", "multiprocessing", "rich", "urllib.request", "xml", "zlib"}
    folders = {"charts", "executors.processes", "executors.threads", "recording.recording", "reports.report"}
    assert not loaded & (few - loaded_by("import trio") | {f"penstock.blocks.{folder}" for folder in folders})


def test_a_worker_process_loads_only_what_it_needs() -> None:
    loaded = loaded_by("import penstock.blocks.executors.process_worker")
    rooms = {name.split(".")[2] for name in loaded if name.startswith("penstock.blocks.")}
    assert rooms == {"base", "executors"}
    assert not loaded & {"concurrent.futures", "distributed", "rich", "trio"}


def test_a_pipeline_in_plain_python_loads_neither_asyncio_nor_what_it_does_not_use() -> None:
    program = "from penstock.agents import Pipeline\nassert list(Pipeline(str).map(len).run([1, 22])) == [1, 2]"
    loaded = loaded_by(program) - loaded_by("import trio")
    rooms = {"executors.threads", "executors.processes", "recording.recording", "reports.report"}
    assert not loaded & ({"asyncio", "rich"} | {f"penstock.blocks.{room}" for room in rooms})
