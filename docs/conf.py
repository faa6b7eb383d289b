"""How Sphinx builds the documentation: `python -m sphinx -W -n docs docs/_build`."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

_project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Penstock"
author = "the Penstock developers"
version = release = _project["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "references",
    "signatures",
    "generated_pages",
    "model_figures",
]
exclude_patterns = ["_build", "_ext", "_generated"]  # _generated/ is included by pages; it is not a page
nitpicky = True  # a name that leads nowhere is an error
# Dask's; the documentation is made without Dask, too
nitpick_ignore = [("py:class", name) for name in ("Client", "distributed.Client", "distributed.WorkerPlugin")]

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3

autodoc_mock_imports = ["distributed"]  # the class for its workers is described without it
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["marbles.css"]
html_title = f"Penstock {release}"
html_show_sphinx = False
