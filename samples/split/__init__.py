"""Splits the lines of the files of a folder into shards, with a graph of tasks."""
