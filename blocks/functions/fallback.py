"""Calls another function for items for which the function of a block has failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from ..base.callables import is_async, is_async_generator
from ..core.carried import ForFallback


@attrs.frozen
class WithFallback:
    """Calls a plain function, or another one for an item that has failed."""

    function: Callable[..., Any]
    fallback: Callable[..., Any]

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self.function

    def __call__(self, item: Any, *lease: Any) -> Any:
        return self.fallback(item.item, *lease) if type(item) is ForFallback else self.function(item, *lease)


def awaited_with_fallback(function: Callable[..., Any], fallback: Callable[..., Any]) -> Callable[..., Any]:
    """The same for async functions."""

    async def call(item: Any, *lease: Any) -> Any:
        return await (fallback(item.item, *lease) if type(item) is ForFallback else function(item, *lease))

    call.__wrapped__ = function  # type: ignore[attr-defined]  # `inspect.signature` follows it
    return call


def generated_with_fallback(function: Callable[..., Any], fallback: Callable[..., Any]) -> Callable[..., Any]:
    """The same for asynchronous generator functions."""

    async def generate(item: Any, *lease: Any) -> Any:
        outputs = fallback(item.item, *lease) if type(item) is ForFallback else function(item, *lease)
        try:
            async for output in outputs:
                yield output
        finally:
            await outputs.aclose()

    generate.__wrapped__ = function  # type: ignore[attr-defined]  # `inspect.signature` follows it
    return generate


def with_fallback(who: str, function: Callable[..., Any], fallback: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function of a block, so that it calls another one for items that have failed.

    Raises:
        TypeError: The two are not of the same kind.
    """
    kinds = (is_async_generator, is_async)
    for is_kind, kind in zip(kinds, ("an asynchronous generator function", "an `async def` function"), strict=True):
        if is_kind(function) != is_kind(fallback):
            wanted = kind if is_kind(function) else "a plain function"
            raise TypeError(f"{who}: the function of its Fallback must be {wanted}, like its own; got {fallback!r}")
    if is_async_generator(function):
        return generated_with_fallback(function, fallback)
    return awaited_with_fallback(function, fallback) if is_async(function) else WithFallback(function, fallback)
