"""The files that learners begin with."""
