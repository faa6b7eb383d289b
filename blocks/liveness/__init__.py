"""Why nothing moves: which part waits for which, what would free it, and what the graph shows before the start."""
