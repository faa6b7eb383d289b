"""The workshop: exercises that check themselves."""
