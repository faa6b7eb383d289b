"""Arguments that make no sense are told so when they are given, with the name of the object."""

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    Budget,
    Call,
    DeadLetter,
    Network,
    Retry,
    Threads,
    Timer,
    Transformer,
    UnboundedBuffer,
)

wrong: Any = "x"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Timer(wrong, 1, name="t"), ValueError, "timer 't': seconds must be a number > 0, got 'x'"),
        (lambda: Timer(float("nan"), 1, name="t"), ValueError, "timer 't': seconds must be a number > 0, got nan"),
        (
            lambda: Batch[int](2, max_seconds=0, name="b"),
            ValueError,
            "batch 'b': max_seconds must be a number > 0, got 0",
        ),
        (lambda: Budget(rate=wrong), ValueError, "Budget: rate must be a number >= 0, got 'x'"),
        (lambda: Retry(1, backoff=wrong), ValueError, "Retry: backoff must be a number >= 0, got 'x'"),
        (lambda: Retry(1, backoff=-1), ValueError, "Retry: backoff must be a number >= 0, got -1"),
        (
            lambda: DeadLetter(wrong),
            TypeError,
            "DeadLetter: target must be a block that takes messages, or a function, got 'x'",
        ),
        (lambda: PipelineGovernor(wrong, weight=len, name="g"), ValueError, "limit must be a number > 0, got 'x'"),
        (lambda: PipelineGovernor(1, weight=wrong, name="g"), TypeError, "weight must be a function or None, got 'x'"),
        (lambda: SequenceMultiplexer(key=wrong, name="m"), TypeError, "key must be a function or None, got 'x'"),
        (lambda: UnboundedBuffer(filter=wrong), TypeError, "UnboundedBuffer: filter must be a function or None"),
        (
            lambda: UnboundedBuffer[int](name="a").link_target(UnboundedBuffer(name="b"), filter=wrong),
            TypeError,
            "unbounded buffer 'a' → unbounded buffer 'b': filter must be a function or None, got 'x'",
        ),
        (lambda: UnboundedBuffer[int](name=5), TypeError, "UnboundedBuffer: name must be a str or None, got 5"),  # type: ignore[arg-type]
        (lambda: Call(abs, name=5), TypeError, "Call: name must be a str or None, got 5"),  # type: ignore[call-overload]
        (lambda: Threads(1, name=5), TypeError, "Threads: name must be a str or None, got 5"),  # type: ignore[arg-type]
        (lambda: PipelineGovernor(1, name=5), TypeError, "PipelineGovernor: name must be a str or None, got 5"),  # type: ignore[arg-type]
        (lambda: Network(name=5), TypeError, "Network: name must be a str or None, got 5"),  # type: ignore[arg-type]
        (
            lambda: Network(name="n", recording=wrong),
            TypeError,
            "network 'n': recording must be a Recording or None, got 'x'",
        ),
        (
            lambda: Network(name="n", shutdown=wrong),
            TypeError,
            "network 'n': shutdown must be a Shutdown or None, got 'x'",
        ),
        (
            lambda: PipelineGovernor(1, name="g").govern(UnboundedBuffer[int](), wrong),
            TypeError,
            "governor 'g': last must be a block, which items leave, got 'x'",
        ),
        (lambda: Network(UnboundedBuffer, name="n"), TypeError, "network 'n': needs blocks and agents, got <class"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_named(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make()


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_block_is_no_value_that_can_be_copied(clone: Callable[[object], object]) -> None:
    block: Transformer[int, int] = Transformer[int, int](abs, name="t")
    with pytest.raises(TypeError, match="transformer 't' cannot be copied or pickled"):
        clone(block)
