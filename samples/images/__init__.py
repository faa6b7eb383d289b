"""The image pipeline in the four modes of the chapter."""
