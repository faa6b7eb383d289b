"""Draws the groups of a graph."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from penstock.agents.tasks.task_state import TaskState

from .recipe import Recipe


def mermaid(recipe: Recipe) -> str:
    """The groups of tasks and what needs what, as text for Mermaid."""
    sizes = Counter(node.group for node in recipe.nodes)
    done = Counter(node.group for node in recipe.nodes if node.state is TaskState.COMPLETED)
    edges = dict.fromkeys((before.group, node.group) for node in recipe.nodes for before in node.before())
    lazy: set[str] = set()
    for leaves in recipe.lazy.values():
        groups = leaves.groups()
        lazy |= {*groups}
        sizes.update(groups)
        edges |= dict.fromkeys(pairwise(groups))
    names = {group: f"n{number}" for number, group in enumerate(sizes)}
    lines = ["flowchart LR"]
    for group, size in sizes.items():
        text = group.replace('"', "#quot;")
        count = " × …" if group in lazy else f" × {size}" if size > 1 else ""
        ended = f", {done[group]} done" if done[group] and group not in lazy else ""
        lines.append(f'    {names[group]}["{text}{count}{ended}"]')
    lines += [f"    {names[before]} --> {names[after]}" for before, after in edges]
    return "\n".join(lines)
