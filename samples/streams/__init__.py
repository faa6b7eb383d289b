"""Compress, then encrypt: a file is sealed in authenticated frames, and opened again."""
