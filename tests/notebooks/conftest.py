"""Runs cells in a kernel of Jupyter."""

from collections.abc import Callable
from typing import Any

import pytest

Outputs = list[list[Any]]
"""For each cell, its outputs."""


@pytest.fixture(scope="session")
def run_cells() -> Callable[..., Outputs]:
    """Runs cells one after the other in a new kernel, also after an error, and returns the outputs of each cell."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")

    def run(*sources: str, **options: Any) -> Outputs:
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
        nbclient.NotebookClient(notebook, timeout=100, kernel_name="python3", allow_errors=True, **options).execute()
        return [cell.outputs for cell in notebook.cells]

    return run
