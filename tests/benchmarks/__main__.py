"""Runs the benchmarks from a checkout: `python tests/benchmarks --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a folder: give the relative import below its package (PEP 366)
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    __package__ = "benchmarks"

from .command import main

sys.exit(main())
