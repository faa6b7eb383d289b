"""The one logger of the library: quiet unless the program asks for it."""

from __future__ import annotations

import logging

log: logging.Logger = logging.getLogger("penstock")
log.addHandler(logging.NullHandler())
