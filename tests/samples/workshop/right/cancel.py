"""Other right answers to exercise 7, as edits of the solution."""

COUNTED = """\
    saved: list[int] = []

    async def note(picture: int) -> None:
        await save(picture)
        saved.append(picture)

    source = IterableSource(camera, name="camera")
    source.link_target(Call(note, name="save"))
    async with Network(source):
        await stop.wait()
        await source.aclose()
    return len(saved)


async def other(camera: AsyncIterable[int], save: Save, stop: trio.Event) -> int:
"""
SHUT_DOWN = ("        network.cancel()\n", "        network.shutdown.cancel()\n")

START = "async def finish(camera: AsyncIterable[int], save: Save, stop: trio.Event) -> int:\n"

RIGHT = {
    "the learner counts": ((START, START + COUNTED),),
    "the shutdown is cancelled": (SHUT_DOWN,),
}
