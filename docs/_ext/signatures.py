"""Shows the defaults of attrs classes, where autodoc finds only generated code such as attr_dict['a'].default."""

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

GENERATED = re.compile(r"attr_dict\['(\w+)'\]\.default")


class Shown:
    """A default that is shown as it is written here."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def shown(default: Any) -> Shown:
    """How a reader would write the default of an attribute."""
    factory = getattr(default, "factory", None)  # attrs.Factory
    return Shown(f"{factory.__name__}()" if factory is not None else repr(default))


def show_defaults(app: Sphinx, thing: Any, bound_method: bool) -> None:
    """Put the defaults of the attributes into the signature of a generated `__init__`."""
    owner, _, name = getattr(thing, "__qualname__", "").rpartition(".")
    cls: Any = getattr(inspect.getmodule(thing), owner, None) if name == "__init__" else None
    attributes = {each.name.lstrip("_"): each.default for each in getattr(cls, "__attrs_attrs__", ())}
    if not attributes:
        return
    signature = inspect.signature(thing)
    parameters = [
        parameter.replace(default=shown(attributes[found[1].lstrip("_")]))
        if (found := GENERATED.fullmatch(repr(parameter.default)))
        else parameter.replace(default=shown(attributes[parameter.name]))
        if repr(parameter.default) == "NOTHING"
        else parameter
        for parameter in signature.parameters.values()
    ]
    thing.__signature__ = signature.replace(parameters=parameters)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-before-process-signature", show_defaults, priority=900)  # after autodoc has read the code
    return {"parallel_read_safe": True}
