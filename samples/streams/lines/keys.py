"""By what lines are counted and indexed: fields of their JSON, or a match of a pattern."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, Protocol, cast

import attrs

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.json_lines import json_records

__all__ = ["Fields", "Key", "Keys", "Pattern", "field_of", "key_text"]

Key = str | tuple[Any, ...]
"""A text; or a tuple of one text that is JSON of something else; or a tuple of several keys."""
MISSING: Final = object()


class Keys(Protocol):
    """Finds the keys of lines. It can be pickled."""

    def keys(self, chunk: Chunk, bad: BadLines) -> Iterator[tuple[int, Key]]:
        """Return the number of each line in the chunk that has a key, from 0, and the key; add bad lines to `bad`."""
        ...


def field_of(record: dict[str, Any], name: str) -> Any:
    """Return a field of a record, or `MISSING`; "args.size" is also the field "size" of the field "args"."""
    value = record.get(name, MISSING)
    if value is not MISSING:
        return value
    head, dot, rest = name.partition(".")
    inner = record.get(head) if dot else None
    return field_of(cast("dict[str, Any]", inner), rest) if isinstance(inner, dict) else MISSING


@attrs.frozen
class Fields:
    """The values of one or more fields.

    Args:
        names: their names.
    """

    names: tuple[str, ...]

    def keys(self, chunk: Chunk, bad: BadLines) -> Iterator[tuple[int, Key]]:
        """Return the lines and their keys."""
        names = self.names
        first = names[0]
        is_one = len(names) == 1
        for number, record in json_records(chunk, bad):
            value = record.get(first)
            if is_one and type(value) is str:
                yield number, value
                continue
            values = [field_of(record, name) for name in names]
            if MISSING in values:
                bad.add(chunk.file, chunk.line + number, f"no field {names[values.index(MISSING)]!r}")
            else:
                key = tuple(map(_key, values))
                yield number, key[0] if is_one else key


def _key(value: Any) -> Key:
    # As JSON, because True, 1 and 1.0 would be one key, and lists cannot be keys.
    return value if type(value) is str else (json.dumps(value, ensure_ascii=False, sort_keys=True),)


@attrs.frozen
class Pattern:
    """What a regular expression finds in a line first: its groups, or all that it matches if it has none.

    Args:
        text: the expression.
    """

    text: str

    def keys(self, chunk: Chunk, bad: BadLines) -> Iterator[tuple[int, Key]]:
        """Return the lines with a match, and their keys."""
        del bad
        expression = re.compile(self.text.encode("utf-8", "surrogateescape"))
        search, groups = expression.search, expression.groups
        for number, line in enumerate(chunk.data.split(b"\n")[:-1]):
            found = search(line.removesuffix(b"\r"))
            if found is None:
                continue
            texts = [(text or b"").decode("utf-8", "backslashreplace") for text in found.groups()]
            yield number, tuple(texts) if groups > 1 else texts[0] if groups else _whole(found)


def _whole(found: re.Match[bytes]) -> str:
    return found[0].decode("utf-8", "backslashreplace")


def key_text(key: Key) -> str:
    """Return a key as JSON."""
    if isinstance(key, str):
        return json.dumps(key, ensure_ascii=False)
    if len(key) == 1 and isinstance(key[0], str):
        return key[0]
    return f"[{', '.join(map(key_text, key))}]"
