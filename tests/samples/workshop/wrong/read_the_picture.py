"""Wrong answers to exercise 2. The recording of the tests fills in 0.85 s, and then takes 0.4 s an item."""

SLOWEST = "SLOWEST = max(means, key=lambda stage: means[stage])"
FILL = 'FILL_SECONDS = ends[0] - min(span.start for span in work if span.stage == "load")'
STEADY = "STEADY_SECONDS = (ends[-1] - ends[0]) / (len(ends) - 1)"

WRONG = {
    "no stage has this name": ((SLOWEST, 'SLOWEST = "Noise"'),),
    "a stage before the slowest": ((SLOWEST, 'SLOWEST = "load"'),),
    "a stage after the slowest": ((SLOWEST, 'SLOWEST = "show"'),),
    "the fill time is missing": ((FILL, "FILL_SECONDS = None"),),
    "the fill time is that of the whole run": ((FILL, "FILL_SECONDS = ends[-1]"),),
    "the fill time is that of one stage": ((FILL, "FILL_SECONDS = 0.4"),),
    "the fill time is in milliseconds": ((FILL, "FILL_SECONDS = 850"),),
    "the fill time is misread": ((FILL, "FILL_SECONDS = 0.7"),),
    "the steady time has the fill time in it": ((STEADY, "STEADY_SECONDS = ends[-1] / len(ends)"),),
    "the steady time is the sum of the stages": ((STEADY, "STEADY_SECONDS = 0.85"),),
    "the steady time is in milliseconds": ((STEADY, "STEADY_SECONDS = 400"),),
    "the steady time is misread": ((STEADY, "STEADY_SECONDS = 0.3"),),
}
