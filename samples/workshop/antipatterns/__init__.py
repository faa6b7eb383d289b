"""The five anti-patterns of the pipelines chapter: programs that show the harm in numbers, and the cure."""
