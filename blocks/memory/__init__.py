"""Memory in bytes: how much is free, how much an item takes, and which capacities and batch sizes fit."""

from .budget import MemoryBudget
from .free_memory import free_memory
from .size_of import size_of

__all__ = ["MemoryBudget", "free_memory", "size_of"]
