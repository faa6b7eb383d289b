"""What runtimes, scopes and task graphs share: the states of a task, and the words for what becomes of it."""
