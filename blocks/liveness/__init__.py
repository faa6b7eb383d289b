"""Why nothing moves: who waits for whom, what would free it, and what is seen in the graph before the start."""
