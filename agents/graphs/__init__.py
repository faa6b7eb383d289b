"""Task graphs: a known set of tasks with dependencies, on the loop, in threads or in processes."""
