"""Charts of a recorded run: spans, rows, bars, and the files that they are painted into."""
