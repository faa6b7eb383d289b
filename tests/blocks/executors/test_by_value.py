"""Functions that another process cannot import, and what becomes of them with and without cloudpickle."""

import functools
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from penstock.blocks import IterableSource, Network, Processes, Recording, Transformer, TransformMany, UnboundedBuffer
from penstock.blocks.executors import by_value
from penstock.blocks.executors.by_value import pickled, sealed
from tests.blocks.executors import process_functions as functions

pytest.importorskip("cloudpickle")


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A main module that is no file, as in a notebook; tests may define things in it."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


@pytest.fixture
def script(main: ModuleType) -> ModuleType:
    """A main module that is a file."""
    main.__file__ = "script.py"
    return main


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)


def run_in(module: ModuleType, code: str, file: str = "script.py") -> dict[str, Any]:
    exec(compile(textwrap.dedent(code), file, "exec"), vars(module))
    return vars(module)


def elsewhere(data: bytes, name: str = "__main__") -> tuple[Any, ModuleType]:
    """Unpickle as a worker would, with a main module of its own; return the result and that module."""
    before, there = sys.modules["__main__"], ModuleType(name)
    sys.modules["__main__"] = there
    try:
        return pickle.loads(data), there
    finally:
        sys.modules["__main__"] = before


# Which functions go by value


def test_a_function_of_a_module_goes_by_reference() -> None:
    assert pickled(functions.state, "call 'c'") == pickle.dumps(functions.state, 5)
    assert pickled(None, "call 'c'") == pickle.dumps(None, 5)
    assert sealed(functions.state, "call 'c'") is functions.state


def test_a_lambda_and_a_closure_go_by_value() -> None:
    factor = 3

    def times(number: int) -> int:
        return factor * number

    triple: Callable[[int], int] = lambda number: 3 * number  # noqa: E731
    for function in (times, triple, functools.partial(times)):
        assert pickle.loads(pickled(function, "call 'c'"))(2) == 6
        assert pickle.loads(pickle.dumps(sealed(function, "call 'c'")))(2) == 6


def test_a_function_of_a_script_goes_by_reference(script: ModuleType) -> None:
    names = run_in(script, "def double(number): return 2 * number")
    assert pickled(names["double"], "call 'c'") == pickle.dumps(names["double"], 5)


def test_what_was_typed_after_a_script_goes_by_value(script: ModuleType) -> None:
    names = run_in(script, "def double(number): return 2 * number", file="<stdin>")
    assert elsewhere(pickled(names["double"], "call 'c'"))[0](2) == 4


def test_a_function_of_a_notebook_goes_by_value_with_what_it_uses(main: ModuleType) -> None:
    names = run_in(main, "factor = 2\ndef times(number): return factor * number\ndef twice(n): return times(n)")
    assert elsewhere(pickled(names["twice"], "call 'c'"))[0](4) == 8


def test_the_classes_of_a_notebook_are_where_references_to_them_lead(main: ModuleType) -> None:
    names = run_in(
        main,
        """
        import threading
        class Photo:
            def __init__(self, width): self.width = width
        class Wide(Photo): pass
        class Locked: lock = threading.Lock()
        Alias = Photo
        def width(photo): return photo.width
        """,
    )
    function, there = elsewhere(pickled(names["width"], "call 'c'"))
    assert vars(there).keys() >= {"Photo", "Wide"}
    assert not vars(there).keys() & {"Locked", "Alias", "threading"}  # a lock cannot be pickled
    photo = pickle.dumps(names["Wide"](7))
    sys.modules["__main__"] = there
    assert function(pickle.loads(photo)) == 7
    assert there.Wide.__mro__[1] is there.Photo


def test_a_class_that_the_worker_cannot_make_does_not_matter_to_the_others() -> None:
    function, there = elsewhere(
        pickle.dumps(by_value.Definitions(abs, {"Broken": b"no pickle", "Good": pickle.dumps(int)}))
    )
    assert function is abs
    assert there.Good is int
    assert not hasattr(there, "Broken")


def test_the_classes_of_a_script_go_by_reference(script: ModuleType) -> None:
    names = run_in(script, "class Photo: pass\nmake = lambda number: Photo()")
    make = pickle.loads(pickled(names["make"], "call 'c'"))
    assert type(make(1)) is names["Photo"]


def test_a_class_that_a_script_cannot_find_goes_by_value(script: ModuleType) -> None:
    names = run_in(script, "class Photo: pass\nHidden = Photo\ndel Photo\nmake = lambda number: Hidden()")
    make = pickle.loads(pickled(names["make"], "call 'c'"))
    assert type(make(1)).__name__ == "Photo"


# Errors


@pytest.mark.usefixtures("missing")
def test_without_cloudpickle_the_error_says_how_to_install_it() -> None:
    with pytest.raises(TypeError, match=r"call 'c': .*lambda.* cannot be pickled, .*pip install cloudpickle") as caught:
        pickled(lambda: 1, "call 'c'")
    assert caught.value.__cause__ is not None


@pytest.mark.usefixtures("missing")
def test_so_it_is_for_a_function_of_a_notebook(main: ModuleType) -> None:
    names = run_in(main, "def double(number): return 2 * number")
    with pytest.raises(TypeError, match="not in a notebook"):
        pickled(names["double"], "call 'c'")


def test_what_even_cloudpickle_cannot_pickle_is_told() -> None:
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"call 'c': .* cannot be pickled, not even by cloudpickle.*worker_init"):
        pickled(lambda: lock, "call 'c'")


# In processes


async def results(function: Callable[[Any], Any], items: Any, **options: Any) -> list[Any]:
    """The results of a block in a small network."""
    source, block = IterableSource(items), Transformer(function, **options)
    found = UnboundedBuffer[Any]()
    source.link_target(block)
    block.link_target(found)
    async with Network(source):
        pass
    return [item async for item in found]


@pytest.fixture(autouse=True, scope="module")
def _importable() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
        yield


@pytest.fixture(scope="module")
def pool() -> Iterator[Processes]:
    with Processes(1, name="one") as pool:
        pool.submit(abs, -1).result(functions.SECONDS)  # starts it: no test leaves its thread
        yield pool


async def test_lambdas_and_closures_run_in_processes(pool: Processes, real_time: None) -> None:
    for factor in (2, 3):  # each is another function

        def times(number: int, factor: int = factor) -> int:
            return factor * number

        assert await results(times, range(4), executor=pool) == [factor * number for number in range(4)]
        assert await results(lambda number: times(number), range(2), executor=pool) == [0, factor]


async def test_a_recording_and_a_generator_do_not_matter(pool: Processes, real_time: None) -> None:
    source = IterableSource(["ab", "c"])

    def split(text: str) -> Iterator[str]:
        yield from text

    many = TransformMany(split, executor=pool)
    found = UnboundedBuffer[str]()
    source.link_target(many)
    many.link_target(found)
    recording = Recording()
    async with Network(source, recording=recording):
        pass
    assert [char async for char in found] == ["a", "b", "c"]
    assert "split" in recording.stages


async def test_an_exception_of_a_lambda_has_its_traceback(pool: Processes, real_time: None) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await results(lambda number: 1 // number, [0], executor=pool)
    assert caught.group_contains(ZeroDivisionError)


async def test_a_lambda_may_set_up_a_worker(real_time: None) -> None:
    with Processes(1, worker_init=lambda: 5) as pool:
        assert await results(lambda number: number + functions.state(number), [1], executor=pool) == [6]


@pytest.mark.slow
async def test_a_process_pool_gets_lambdas_by_value(real_time: None) -> None:
    with ProcessPoolExecutor(1) as pool:
        assert await results(lambda number: 2 * number, range(50), executor=pool) == list(range(0, 100, 2))
        assert await results(abs, range(-5, 0), executor=pool) == [5, 4, 3, 2, 1]


# Sessions

SESSION = """
import trio
from penstock.blocks import IterableSource, Network, Processes, Transformer, UnboundedBuffer

class Photo:
    def __init__(self, width):
        self.width = width

class TooSmall(Exception):
    pass

def shrink(photo):
    if photo.width < 2:
        raise TooSmall(photo.width)
    return Photo(photo.width // 2)

async def main():
    source = IterableSource([Photo(8), Photo(1), Photo(6)])
    shrinker = Transformer(shrink, executor=Processes(1), on_error="skip")
    results = UnboundedBuffer()
    source.link_target(shrinker)
    shrinker.link_target(results)
    async with Network(source):
        pass
    return [photo async for photo in results]

photos = trio.run(main)
print([photo.width for photo in photos], all(type(photo) is Photo for photo in photos))
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork server", "spawn"])
def test_in_a_session_functions_classes_and_exceptions_of_it_work(method: str) -> None:
    before = "import multiprocessing; multiprocessing.set_start_method('spawn')\n" if method == "spawn" else ""
    done = subprocess.run(
        [sys.executable, "-c", before + SESSION], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.stdout, done.stderr) == ("[4, 3] True\n", "")


@pytest.mark.slow
def test_in_a_script_a_lambda_may_make_instances_of_its_classes(tmp_path: Path) -> None:
    body = SESSION.replace("Transformer(shrink", "Transformer(lambda photo: shrink(photo)")
    start = body.index("photos = ")
    guarded = body[:start] + 'if __name__ == "__main__":\n' + textwrap.indent(body[start:], "    ")
    path = tmp_path / "script.py"
    path.write_text(guarded, encoding="utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.stderr) == ("[4, 3] True\n", "")
