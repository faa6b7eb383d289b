"""Exercise 2: read the picture of a run.

The right numbers differ from run to run. So this file computes them from your recording, as the check does.
"""

from pathlib import Path

from penstock.blocks import Activity, Recording

HERE = Path(__file__).parent

work = [span for span in Recording.load(HERE / "02_run.json").spans if span.activity is Activity.WORK]
means = {
    stage: sum(span.seconds for span in work if span.stage == stage) for stage in ("load", "scale", "noise", "show")
}  # all stages have worked on the same number of items
ends = sorted(span.end for span in work if span.stage == "show")

SLOWEST = max(means, key=lambda stage: means[stage])
FILL_SECONDS = ends[0] - min(span.start for span in work if span.stage == "load")
STEADY_SECONDS = (ends[-1] - ends[0]) / (len(ends) - 1)

if __name__ == "__main__":
    print(f"{SLOWEST}; {FILL_SECONDS:.2f} s; {STEADY_SECONDS:.2f} s")
