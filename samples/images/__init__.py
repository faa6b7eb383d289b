"""The image pipeline in the four modes of the chapter, and in the stages of a plan."""
