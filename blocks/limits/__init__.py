"""Time limits: of a network, and of its progress; and the watch over the event loop."""
