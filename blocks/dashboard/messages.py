"""Turns plain values into JSON, with names as JavaScript writes them."""

from __future__ import annotations

import json
from enum import Enum
from functools import cache
from typing import Any, cast

RENAMED = {"source": "from", "target": "to"}


def as_json(value: object) -> Any:
    """Turn attrs values, enums and tuples of them into values that `json.dumps` takes."""
    match value:
        case Enum():
            return value.value
        case tuple() | list():
            return [as_json(one) for one in cast("tuple[object, ...]", value)]
        case _:
            kind: Any = type(value)
            fields = fields_of(kind)
            return {name: as_json(getattr(value, field)) for field, name in fields} if fields else value


@cache
def fields_of(kind: Any) -> tuple[tuple[str, str], ...]:
    """Return the fields of a class, each with its name in JavaScript."""
    fields: tuple[Any, ...] = getattr(kind, "__attrs_attrs__", ())
    return tuple((field.name, name_of(field.name)) for field in fields)


def name_of(field: str) -> str:
    """Return the name of a field in JavaScript."""
    first, *others = field.split("_")
    return RENAMED.get(field, first + "".join(part.capitalize() for part in others))


def encode(kind: str, values: Any = None) -> str:
    """Return a message to a page, as text."""
    return json.dumps({"type": kind, **(values or {})}, separators=(",", ":"), ensure_ascii=True)
