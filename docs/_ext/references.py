"""Makes every reference in the docstrings lead somewhere, so that `nitpicky` can be on, without the network.

- A name of another library is right if it can be imported; one of the standard library becomes a link as well.
- A public name of ours leads to its description, wherever it is mentioned and however it was imported.
- A type variable, an alias or an internal class has no description; it only has to exist.
- A block shows its public bases, not the internal cores that it shares with other blocks.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, Generic

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PUBLIC = tuple(import_module(name) for name in ("penstock.blocks", "penstock.agents"))


def public_name(thing: object) -> str | None:
    """Return the name that users import `thing` by; None if it is internal, or not ours."""
    for package in PUBLIC:
        for name in package.__all__:
            if getattr(package, name) is thing:
                return f"{package.__name__}.{name}"
    return None


def find_name(target: str) -> tuple[str, object] | None:
    """Return the module that `target` is found in, and the thing itself; None where there is no such name."""
    parts = target.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        return find_attribute(module, parts[length:])
    # No module is named: it is a builtin, or a name that some module of ours uses in its annotations.
    ours = sorted(name for name in sys.modules if name.startswith("penstock."))
    return next(filter(None, (find_attribute(sys.modules[name], parts) for name in ("builtins", *ours))), None)


def find_attribute(module: ModuleType, names: list[str]) -> tuple[str, object] | None:
    """Follow attributes from a module on; None if one of them is missing."""
    found: Any = module
    for name in names:
        if not hasattr(found, name):
            return None
        found = getattr(found, name)
    return module.__name__, found


def link_to_python(module: str, target: str) -> str | None:
    """Return the address of a name in Python's documentation; None for other libraries and builtins."""
    top = module.partition(".")[0]
    if top == "builtins" or top not in sys.stdlib_module_names:
        return None
    return f"https://docs.python.org/3/library/{module}.html#{target}"


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Element | None:
    """Answer for a reference that Sphinx itself cannot resolve; None leaves it to be reported."""
    target = node.get("reftarget", "")
    found = find_name(target) if node.get("refdomain") == "py" else None
    if found is None:
        return None
    module, thing = found
    if name := public_name(thing):
        python = env.get_domain("py")
        return python.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, content)
    address = link_to_python(module, target)
    return nodes.reference("", "", content, refuri=address, internal=False) if address else content


def public_bases(cls: type) -> Iterator[type]:
    """Yield the nearest ancestors of `cls` that a user can know, in the order in which they are looked up."""
    for base in cls.__bases__:
        if base is object or base is Generic:
            continue
        if base.__module__.startswith("penstock") and public_name(base) is None:
            yield from public_bases(base)
        else:
            yield base


def show_public_bases(app: Sphinx, name: str, cls: type, options: object, bases: list[type]) -> None:
    """Replace the bases that autodoc is about to show."""
    found = list(dict.fromkeys(public_bases(cls)))
    nearest = [base for base in found if not any(base in other.__mro__[1:] for other in found)]
    bases[:] = nearest or [object]


def keep_first_sentence(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Keep napoleon from reading "Slots in use: all of them." on a property as a type and a description."""
    if what in ("attribute", "property"):
        lines[:0] = ["..", ""]  # an empty comment: it shows nothing, and has no colon


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("missing-reference", resolve)
    app.connect("autodoc-process-bases", show_public_bases)
    app.connect("autodoc-process-docstring", keep_first_sentence, priority=400)  # before napoleon's 500
    return {"parallel_read_safe": True}
