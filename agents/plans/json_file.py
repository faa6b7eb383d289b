"""Writes profiles and plans to JSON files, and reads them back. Both are a `Saved`, and a file says which it is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast

import attrs

from penstock.blocks.base.error_info import shorten

T = TypeVar("T")
FORMAT = "format"
VERSION = "version"
NUMBER = 1
FilePath = str | os.PathLike[str]


class Saved:
    """What has a file: an attrs class whose fields are plain values, texts, and lists of other such classes.

    Attributes:
        file_kind: What it is, in the file and in messages.
        file_parts: The classes of its fields that are lists of other values.
        file_part: The classes of its fields that are one other value; an older file may have none.
    """

    __slots__ = ()
    file_kind: ClassVar[str]
    file_parts: ClassVar[Mapping[str, type[Any]]]
    file_part: ClassVar[Mapping[str, type[Any]]] = {}

    def save(self, path: FilePath) -> None:
        """Write it to a file, as JSON.

        Args:
            path: The file; an old one is overwritten.
        """
        write(path, self.file_kind, self)

    @classmethod
    def load(cls, path: FilePath) -> Self:
        """Read it from a file that `save` has written.

        Args:
            path: The file.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file holds something else, is damaged, or has another version.
        """
        return read(path, cls.file_kind, cls, cls.file_parts, cls.file_part)


def write(path: FilePath, kind: str, thing: Any) -> None:
    """Write a value of an attrs class; the file is opened only when all of its content is ready."""
    content = {FORMAT: f"penstock {kind}", VERSION: NUMBER, **attrs.asdict(thing)}
    Path(path).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: FilePath, kind: str, into: type[T], parts: Mapping[str, type[Any]], part: Mapping[str, type[Any]]) -> T:
    """Read a value of an attrs class.

    Args:
        path: The file.
        kind: What the file holds, as for `write`.
        into: The class.
        parts: The classes of its fields that are lists of other values.
        part: The classes of its fields that are one other value.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file holds something else, or is damaged.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected a {kind} as JSON, got invalid JSON ({error})") from error
    fields = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    if fields.pop(FORMAT, None) != f"penstock {kind}":
        raise ValueError(f"{path}: expected a {kind} that was written with save(), got another JSON file")
    version = fields.pop(VERSION, None)
    if version != NUMBER:
        raise ValueError(
            f"{path}: this {kind} has version {shorten(version)}, and this Penstock reads version {NUMBER}; make it "
            "anew"
        )
    try:
        for name, kind_of in parts.items():
            entries = listed(name, fields.get(name))
            fields[name] = [made(kind_of, f"{name}[{n}]", entry) for n, entry in enumerate(entries)]
        for name in part.keys() & fields:
            fields[name] = made(part[name], name, fields[name])
        return made(into, kind, fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: this {kind} is damaged ({error}); make it anew") from error


def listed(name: str, value: object) -> Sequence[object]:
    """Return a list; raise a `TypeError` if it is none."""
    if not isinstance(value, list):
        raise TypeError(f"{name} must be a list, got {shorten(value)}")
    return cast("list[object]", value)


def made(kind: type[T], where: str, fields: object) -> T:
    """Make a value of an attrs class of an object of JSON."""
    if not isinstance(fields, dict):
        raise TypeError(f"{where} must be an object, got {shorten(fields)}")
    given = cast("dict[str, Any]", fields)
    known = {field.name for field in attrs.fields(cast("Any", kind))}
    for name in given:
        if name not in known:
            raise ValueError(f"{where} has an unknown field {name!r}")
    return kind(**given)
