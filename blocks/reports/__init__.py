"""Descriptions of a run: reports, the bottleneck, suggestions, diagrams, and progress on the terminal."""
