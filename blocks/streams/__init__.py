"""Streams of bytes: blocks and buffers as streams and files, and streams and files as blocks."""
