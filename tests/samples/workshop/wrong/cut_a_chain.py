"""Wrong answers to exercise 9, as edits of the solution."""

THREE = '3: ["crop", "encode"]'
PERIODS = "PERIODS: dict[int, float] = {2: 13, 3: 8, 4: 8}"

WRONG = {
    "equally many steps": (('2: ["sharpen"]', '2: ["scale"]'),),
    "the last stage is too long": ((THREE, '3: ["turn", "scale"]'),),
    "the first stage is too long": ((THREE, '3: ["scale", "encode"]'),),
    "a step that is none": ((THREE, '3: ["crop", "paint"]'),),
    "a cut is missing": ((THREE, '3: ["crop"]'),),
    "the period is the average": ((PERIODS, "PERIODS: dict[int, float] = {2: 13, 3: 8, 4: 6}"),),
    "the period is that of one item": ((PERIODS, "PERIODS: dict[int, float] = {2: 24, 3: 24, 4: 24}"),),
    "the period is missing": ((PERIODS, "PERIODS: dict[int, float] = {}"),),
    "all steps are one stage": (("bounds = [0, *cuts, len(steps)]", "bounds = [0, len(steps)]"),),
    "a step is left out": (("steps[start:end]", "steps[start:end - 1]"),),
    "the order is lost": (("pipeline.map(stage)", "pipeline.map(stage).map(lambda item: item % 7)"),),
    "more workers than stages": (
        ("pipeline.map(stage)", "pipeline.map(stage, concurrency=3)"),
        ("Pipeline(first)", "Pipeline(first, concurrency=3)"),
    ),
}
