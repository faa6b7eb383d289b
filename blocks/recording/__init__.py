"""Recorded runs: bars, pictures, traces, replays."""
