"""The checkers of the exercises: laws that an answer must keep, and the hints."""
