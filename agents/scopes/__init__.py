"""Asynchronous tasks in trio: scopes that end when all their tasks have ended, and ways to combine tasks."""
