"""Other right answers to exercise 2: read with a ruler."""

RIGHT = {
    "numbers that were read": (
        ("STEADY_SECONDS = (ends[-1] - ends[0]) / (len(ends) - 1)", "STEADY_SECONDS = 0.42"),
        ('FILL_SECONDS = ends[0] - min(span.start for span in work if span.stage == "load")', "FILL_SECONDS = 0.8"),
        ("SLOWEST = max(means, key=lambda stage: means[stage])", 'SLOWEST = "noise"'),
    ),
}
