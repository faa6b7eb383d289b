"""What is told of a run: reports, the bottleneck, suggestions, diagrams, and progress on the terminal."""
