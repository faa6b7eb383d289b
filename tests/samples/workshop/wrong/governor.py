"""Wrong answers to exercise 3, as edits of the solution."""

GOVERN = "PipelineGovernor(limit=LIMIT).govern(first=load, last=show)"

TURNED = """\
    async def turned(image: int) -> int:
        return await phases.load(images + 1 - image)

    camera ="""

WRONG = {
    "there is no governor": ((GOVERN, "PipelineGovernor(limit=LIMIT)"),),
    "it governs noise alone": ((GOVERN, "PipelineGovernor(limit=LIMIT).govern(first=noise, last=noise)"),),
    "it governs from the end": ((GOVERN, "PipelineGovernor(limit=LIMIT).govern(first=show, last=load)"),),
    "the limit is too small": (("LIMIT = 3", "LIMIT = 2"),),
    "the limit is larger than needed": (("LIMIT = 3", "LIMIT = 4"),),
    "the limit is a word": (("LIMIT = 3", 'LIMIT = "three"'),),
    "all images are in the pipeline at once": (("PEAK_WITHOUT = 22", "PEAK_WITHOUT = 40"),),
    "the predicted peak is too small": (("PEAK_WITHOUT = 22", "PEAK_WITHOUT = 3"),),
    "the predicted peak is too large": (("PEAK_WITHOUT = 22", "PEAK_WITHOUT = 30"),),
    "the camera is not linked": (("    camera.link_target(load)\n", ""),),
    "noise works on two images at once": (("Transformer(phases.noise)", "Transformer(phases.noise, concurrency=2)"),),
    "the order is turned round": (("Transformer(phases.load)", "Transformer(turned)"), ("    camera =", TURNED)),
}
