"""Other right answers to exercise 4."""

BODY = """\
async def main() -> None:
    from penstock.agents import PipelineGovernor
    from penstock.blocks import Transformer, UnboundedBuffer

    governor = PipelineGovernor(limit=1, name="one at a time")
    double = Transformer(abs, name="double")
    results = UnboundedBuffer[int](name="results")
    double.link_target(results)
    governor.govern(first=double, last=results)
    async with Network(double, name="numbers"):
        await double.send(1)
        await double.send(2)
        await results.receive()


async def other() -> None:
"""
AGENTS = """\
async def main() -> None:
    from penstock.agents import Agent
    from penstock.blocks import UnboundedBuffer

    class Polite(Agent):
        def __init__(self, inbox, outbox, name) -> None:
            super().__init__(inputs=[inbox], outputs=[outbox], name=name)
            self.inbox, self.outbox = inbox, outbox

        async def run(self) -> None:
            await self.outbox.send(await self.inbox.receive())

    one, two = UnboundedBuffer(name="one"), UnboundedBuffer(name="two")
    async with Network(Polite(one, two, "Ada"), Polite(two, one, "Ben")):
        pass


async def other() -> None:
"""

RIGHT = {
    "the circle begins elsewhere": (('("fork", "narrow", "pairs", "six")', '["pairs", "six", "fork", "narrow"]'),),
    "a governor and the body": (
        ("async def main() -> None:\n", BODY),
        ('("fork", "narrow", "pairs", "six")', '("body", "one at a time", "results")'),
    ),
    "two agents": (
        ("async def main() -> None:\n", AGENTS),
        ('("fork", "narrow", "pairs", "six")', '("Ada", "one", "Ben", "two")'),
    ),
}
