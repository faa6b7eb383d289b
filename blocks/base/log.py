"""The one logger of the library, quiet unless the program asks for it, and the fields of its records."""

from __future__ import annotations

import logging

log: logging.Logger = logging.getLogger("penstock")
log.addHandler(logging.NullHandler())


def fields(event: str, **known: object) -> dict[str, object]:
    """Return the fields of a log record, for `extra=`; a field that is None is left out, an error becomes its kind.

    Each name gets a prefix, because a program may put other fields with plain names into all of its records.
    """
    found = {f"penstock_{name}": value for name, value in known.items() if value is not None}
    if (error := known.get("error")) is not None:
        found["penstock_error"] = kind_of(error)
    return {"penstock_event": event} | found


def kind_of(error: object) -> str:
    """The name of an error's class, with its module unless it is a built-in class."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
