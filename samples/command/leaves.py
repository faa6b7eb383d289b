"""Finds the single errors in the groups that trio raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

__all__ = ["leaves"]


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Return the errors in a group, in the groups in it, and so on; an error that is no group is returned itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from leaves(inner)
    else:
        yield error
