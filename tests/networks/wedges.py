"""Every network that is built to get stuck."""

from __future__ import annotations

from .governor_wedges import GovernorWedges
from .join_wedges import JoinWedges
from .link_wedges import LinkWedges
from .task_wedges import TaskWedges


class Wedged(LinkWedges, JoinWedges, GovernorWedges, TaskWedges):
    """One network that gets stuck; which one, its `build_` methods say."""


WEDGES = sorted(name.removeprefix("build_") for name in dir(Wedged) if name.startswith("build_"))
