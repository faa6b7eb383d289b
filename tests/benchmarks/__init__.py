"""Benchmarks, run on demand with `python tests/benchmarks`: ratios against baselines in the same run."""
