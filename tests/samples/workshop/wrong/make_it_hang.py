"""Wrong answers to exercise 4, as edits of the solution."""

CIRCLE = '("fork", "narrow", "pairs", "six")'

GOVERNED = """\
    source, few, groups = IterableSource(range(12)), BoundedBuffer[int](9), Batch[int](6)
    source.link_target(few)
    few.link_target(groups)
    groups.link_target(Call(print))
    PipelineGovernor(3).govern(few, groups)
    async with Network(source,"""

WRONG = {
    "it does not stall": (("ROOM = 2", "ROOM = 10"),),
    "it only sleeps": (
        ("ROOM = 2", "ROOM = 10"),
        ("            await fork.send", "            await trio.sleep_forever()\n            await fork.send"),
    ),
    "a link is missing": (('    pairs.link_target(Call(print, name="show"))\n', ""), ("ROOM = 2", "ROOM = 100")),
    "it must stall and is refused": (
        ("import Batch,", "import IterableSource, Batch,"),
        ("import trio\n", "import trio\nfrom penstock.agents import PipelineGovernor\n"),
        ("    async with Network(fork,", GOVERNED),
        ("await fork.send(number)", "pass"),
    ),
    "nothing is written": ((CIRCLE, "()"),),
    "the wrong way round": ((CIRCLE, '("six", "pairs", "narrow", "fork")'),),
    "the batch is missing": ((CIRCLE, '("narrow", "pairs", "fork")'),),
    "a part too many": ((CIRCLE, '("fork", "narrow", "pairs", "unpack", "six")'),),
    "the order is wrong": ((CIRCLE, '("fork", "pairs", "narrow", "six")'),),
}
