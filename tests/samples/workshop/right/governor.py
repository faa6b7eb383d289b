"""Other right answers to exercise 3, as edits of the solution."""

GOVERN = "    PipelineGovernor(limit=LIMIT).govern(first=load, last=show)\n"
CHAIN = """\
    camera.link_target(load)
    load.link_target(scale)
    scale.link_target(noise)
    noise.link_target(show)
"""

RIGHT = {
    "the blocks are chained": (
        (CHAIN, "    chain(camera, load, scale, noise, show)\n"),
        ("import Call,", "import chain, Call,"),
    ),
    "another block is given to the network": (("return Network(camera)", 'return Network(show, name="pictures")'),),
    "the peak is nearly right": (("PEAK_WITHOUT = 22", "PEAK_WITHOUT = 20.5"),),
    "the governor has a name": (
        (GOVERN, '    governor = PipelineGovernor(LIMIT, name="few")\n    governor.govern(load, show)\n'),
    ),
}
