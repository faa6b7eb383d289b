"""Executors, in which blocks call their functions: long-lived threads and processes, other pools, clusters."""
