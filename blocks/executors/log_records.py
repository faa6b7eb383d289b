"""Log records on their way from a worker process to the loggers of its parent, as plain data."""

from __future__ import annotations

import logging
import pickle
import traceback
from types import NoneType
from typing import Any, NamedTuple, cast

import attrs

Fields = dict[str, Any]
"""The attributes of a log record."""
PLAIN = frozenset({str, int, float, bool, NoneType})
formatter: logging.Formatter = logging.Formatter()


@attrs.frozen
class Levels:
    """Which records a process handles.

    Attributes:
        of: The level of each logger that has one, by its name.
        disabled: Records up to this level are not handled at all.
    """

    of: dict[str, int]
    disabled: int

    @classmethod
    def here(cls) -> Levels:
        """Return the levels of this process."""
        return cls({logger.name: logger.level for logger in loggers() if logger.level}, logging.root.manager.disable)

    def set(self) -> None:
        """Give the loggers of this process these levels, and no others."""
        logging.disable(self.disabled)
        for logger in loggers():
            logger.setLevel(logging.NOTSET)
        for name, level in self.of.items():
            logging.getLogger(name).setLevel(level)


def loggers() -> list[logging.Logger]:
    """Return all loggers of this process."""
    known = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(logger for logger in known if isinstance(logger, logging.Logger))]


class Portable(NamedTuple):
    """A value that may not be there in the parent: its class may not be known.

    Attributes:
        data: The pickle of the value; None if it cannot be pickled.
        text: The text in its place.
    """

    data: bytes | None
    text: str

    @classmethod
    def of(cls, value: object, text: str) -> Portable:
        """Pack a value."""
        try:
            return cls(pickle.dumps(value, 5), text)
        except Exception:
            return cls(None, text)

    def open(self) -> tuple[Any, bool]:
        """Get the value, or else the text; and whether it is the value."""
        if self.data is not None:
            try:
                return pickle.loads(self.data), True
            except Exception:
                pass
        return self.text, False


def pack(record: logging.LogRecord) -> Fields:
    """Make plain data of a record: its traceback becomes text."""
    fields: Fields = dict(vars(record))
    if record.exc_info:
        fields["exc_text"] = record.exc_text or formatter.formatException(record.exc_info)
    fields["exc_info"] = None
    fields["msg"] = str(record.msg)
    args: Any = fields.pop("args")
    is_plain = type(args) is tuple and PLAIN.issuperset(map(type, cast("tuple[object, ...]", args)))
    values = {name: pack_value(value) for name, value in fields.items()}
    values["args"] = args if is_plain or not args else Portable.of(cast("object", args), record.getMessage())
    return values


def pack_value(value: object) -> object:
    """Make plain data of one attribute of a record."""
    return value if type(value) in PLAIN else Portable.of(value, repr(value))


def unpack(fields: Fields) -> logging.LogRecord:
    """Make the record again."""
    args = fields.pop("args")
    values = {name: value.open()[0] if type(value) is Portable else value for name, value in fields.items()}
    if type(args) is Portable:
        opened, is_there = args.open()
        values |= {"args": opened} if is_there else {"msg": opened, "args": None}
    else:
        values["args"] = args
    return logging.makeLogRecord(values)


def handle(fields: Fields) -> None:
    """Let the logger of the same name handle a record of a worker process; an error in a handler is printed."""
    record = unpack(fields)
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        try:
            logger.handle(record)
        except Exception:
            traceback.print_exc()


class RecordsOfWorker:
    """Handles the records of one worker process.

    Args:
        number: The number of the worker, from 1.

    Attributes:
        block: The name of the block for which it works; "" if there is none.
    """

    __slots__ = ("_number", "block")

    def __init__(self, number: int) -> None:
        self._number = number
        self.block: str = ""

    def handle(self, fields: Fields) -> None:
        """Handle a record, which gets the number of the worker, counted from 0, and the block."""
        fields["penstock_worker"] = self._number - 1
        if self.block:
            fields["penstock_block"] = self.block
        handle(fields)
