"""The sentence pipeline, sequential and as control-flow agents."""
