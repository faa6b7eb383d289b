"""Explains why nothing moves: which part waits for which, what would free it, and which graphs must stall."""
