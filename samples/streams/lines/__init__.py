"""Counts, merges, replays and indexes the lines of traces and logs, plain or compressed by gzip."""
