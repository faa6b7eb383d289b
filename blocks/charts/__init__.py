"""Charts of a recorded run: spans, rows, bars, and the files with the pictures."""
