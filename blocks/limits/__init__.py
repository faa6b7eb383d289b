"""Limits of time: of a network, of its progress, of a single item; and who watches the loop."""
