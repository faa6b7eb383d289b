"""Turns plain values into JSON, with names as JavaScript writes them."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, cast

__all__ = ["as_json", "encode"]

_RENAMED = {"source": "from", "target": "to"}


def as_json(value: object) -> Any:
    """Turn attrs values, enums and tuples of them into what `json.dumps` takes."""
    match value:
        case Enum():
            return value.value
        case tuple() | list():
            return [as_json(one) for one in cast("tuple[object, ...]", value)]
        case _:
            fields: tuple[Any, ...] = getattr(value, "__attrs_attrs__", ())
            return {_name(field.name): as_json(getattr(value, field.name)) for field in fields} if fields else value


def _name(field: str) -> str:
    first, *others = field.split("_")
    return _RENAMED.get(field, first + "".join(part.capitalize() for part in others))


def encode(kind: str, values: Any = None) -> str:
    """Return a message to a page, as text."""
    return json.dumps({"type": kind, **(values or {})}, separators=(",", ":"), ensure_ascii=True)
