"""Other right answers to exercise 5, as edits of the solution."""

LOOP = """\
    for number in range(1, filters + 1):
        noise = Transformer(phases.noise, capacity=1, name=f"noise {number}")
        scale.link_target(noise)
        noise.link_target(in_order)
"""
LIST = """\
    noises = [Transformer(phases.noise, capacity=1, name=f"noise {number}") for number in range(filters)]
    for noise in noises:
        scale.link_target(noise)
    in_order = SequenceMultiplexer(*noises, key=int)
"""

RIGHT = {
    "the multiplexer gets its sources": ((LOOP, LIST),),
    "the numbers are looked up": (("key=lambda image: image,", "key=int,"),),
    "a governor is added": (
        (
            "    return Network(camera)",
            "    PipelineGovernor(4 * filters + 4).govern(load, show)\n    return Network(camera)",
        ),
        ("import SequenceMultiplexer", "import PipelineGovernor, SequenceMultiplexer"),
    ),
}
