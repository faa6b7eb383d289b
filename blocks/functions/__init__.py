"""Blocks that call a function: the shared block, its policies, and one runner per way to run the function."""
