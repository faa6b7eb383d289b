"""Gives a method the parameters of another one, for type checkers and for readers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


def same_parameters(
    other: Callable[Concatenate[S, P], object],
) -> Callable[[Callable[..., R]], Callable[Concatenate[S, P], R]]:
    """Decorate a method that hands all its arguments on to another one, so that these are said once.

    Args:
        other: The other method.
    """

    def decorate(method: Callable[..., R]) -> Callable[Concatenate[S, P], R]:
        vars(method)["__signature__"] = signature(other)
        return method

    return decorate
