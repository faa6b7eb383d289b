"""Programs that people run: the sentence pipeline and the image pipeline."""
