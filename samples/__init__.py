"""Programs that people run: the sentence pipeline, the image pipeline, and the workshop."""
