"""The steps of a pipeline, and the ways to run them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Generic, Literal, TypeVar, Unpack

from penstock.agents.plans.pipeline_profile import PipelineProfile

from .built import RunOptions, build, check_run
from .hand_over import HandOver
from .outlet import Outlet
from .run import Run
from .section import Section
from .sources import Items
from .steps import Step, make_all, step_like
from .stream import Stream
from .stream_context import StreamContext

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Recipe(Generic[In, Out]):
    """The base of `Pipeline`: its steps, and everything that is done with all of them together.

    Attributes:
        steps: The steps of the recipe, in order.
    """

    __slots__ = ("steps",)
    steps: tuple[Step, ...]

    def run(
        self,
        items: Items[In],
        /,
        *,
        library: Literal["trio", "asyncio"] = "trio",
        **options: Unpack[RunOptions],
    ) -> Run[Out]:
        """Run the pipeline in a plain program, in a thread of its own, and iterate over the results.

        `for result in pipeline.run(items)` needs no asynchronous code. Leaving the loop stops everything.

        A collection, such as a list, is read in that thread. Any other iterable, such as a generator or a file, is read
        in a second thread, so that it may wait; it is also closed there. Plain functions without `executor` run in the
        thread of the loop, with the context variables of the caller.

        Args:
            items: The items; a generator, too, may be endless.
            library: Where the asynchronous functions and iterables run: in trio, or in asyncio, in another thread.
            options: The options of the run.

        Raises:
            RuntimeError: The caller runs in trio; use `stream` or `collect` there.
            TypeError: `items` is not iterable.
            ValueError: An option is out of its range, or the limit is smaller than a batch.
        """
        if library not in ("trio", "asyncio"):
            raise ValueError(f"Pipeline.run: library must be 'trio' or 'asyncio', got {library!r}")
        check_run("Pipeline.run", self.steps, options)
        return Run(self.steps, items, options, library == "asyncio")

    def stream(self, items: Items[In], /, **options: Unpack[RunOptions]) -> AbstractAsyncContextManager[Stream[Out]]:
        """Run the pipeline in an asynchronous program, of trio or of asyncio, and iterate over the results.

        Use it as `async with pipeline.stream(items) as results`, and then `async for result in results`. Leaving the
        block stops everything. A cancellation of the program stops the run, and an error of the run comes out here.

        In asyncio, asynchronous functions and iterables run in the loop of the program; give `trio_function(f)` for a
        function of trio. Everything else runs in a loop of trio in another thread, which all runs of a program share.
        So a plain function that takes long needs an `executor`.

        Args:
            items: The items: an iterable, an asynchronous iterable, a receive channel of trio, or a queue of asyncio.
            options: The options of the run.

        Raises:
            RuntimeError: On entering: neither trio nor asyncio runs here.
            TypeError: On entering: `items` is not iterable.
            ValueError: An option is out of its range, or the limit is smaller than a batch.
        """
        check_run("Pipeline.stream", self.steps, options)
        return StreamContext[Out](self.steps, items, options)

    async def collect(self, items: Items[In], /, **options: Unpack[RunOptions]) -> list[Out]:
        """Run the pipeline in an asynchronous program, of trio or of asyncio, and return all results.

        Args:
            items: As for `stream`.
            options: The options of the run.
        """
        async with self.stream(items, **options) as results:
            return [result async for result in results]

    def section(self, name: str | None = None) -> Section[In, Out]:
        """Make the blocks of the pipeline, linked in a line, as one part of a network that is built by hand.

        Args:
            name: The name in messages; by default what the stages do.
        """
        return Section(make_all(self.steps), name or str(self))

    async def profile(self, items: Items[In], /, *, count: int = 50) -> PipelineProfile:
        """Measure what each task costs; in an asynchronous program, of trio or of asyncio.

        Each function is called once with each item, in a thread, one task after the other. Nothing else should run
        meanwhile, in the program and on the machine.

        Args:
            items: As for `stream`. They should be typical.
            count: Up to this many items are used, >= 1.

        Raises:
            ValueError: There is no item, or `count` is out of its range.
        """
        from .profiling import profile_steps  # late: few programs measure

        return await profile_steps(self.steps, items, count)

    def run_profile(self, items: Items[In], /, *, count: int = 50) -> PipelineProfile:
        """Measure what each task costs, in a plain program, as `profile` does.

        Args:
            items: As for `run`. They should be typical.
            count: Up to this many items are used, >= 1.
        """
        from .profiling import run_profile  # late: few programs measure

        return run_profile(self.steps, items, count)

    def check(self) -> tuple[str, ...]:
        """Find parts of the pipeline that will stall; each finding is a sentence with a remedy. See `Network.check`."""
        return build(self.steps, (), {}, outlet=Outlet(HandOver(1))).network.check()

    def __str__(self) -> str:
        return " → ".join(step.label for step in self.steps) or "no stages"

    def __repr__(self) -> str:
        return f"<Pipeline {self}>"

    def _repr_svg_(self) -> str:
        from .drawing import draw  # late: only notebooks need it

        return draw(self.steps)


def steps_like(who: str, stage: object) -> tuple[Step, ...]:
    """The steps of a pipeline, or a step with a block like the given one.

    Args:
        who: The method of the pipeline, for errors.
        stage: The pipeline or the block.
    """
    return stage.steps if isinstance(stage, Recipe) else (step_like(who, stage),)
