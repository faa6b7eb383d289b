"""Other right answers to exercise 6, as edits of the solution."""

PLAIN = """\
    failed: list[int] = []

    async def note(picture: int) -> None:
        try:
            await save(picture)
        except OSError:
            failed.append(picture)
            raise

    async def run_camera(pictures: AsyncIterable[int], name: str) -> None:
        source = IterableSource(pictures, name=name)
        source.link_target(Call(note, name="save"))
        async with Network(source, name=name):
            pass

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_camera, left, "left")
            nursery.start_soon(run_camera, right, "right")
    except* OSError:
        pass
    return failed[0] if failed else None


async def other(left: AsyncIterable[int], right: AsyncIterable[int], save: Save) -> object:
    shutdown = Shutdown()
"""

RIGHT = {
    "the nursery stops the other network": (("    shutdown = Shutdown()\n", PLAIN),),
    "the buffer of errors is read": (
        (
            "return None if shutdown.first_error is None else shutdown.first_error.item",
            "return shutdown.errors.receive_nowait().item if len(shutdown.errors) else None",
        ),
        ("    shutdown = Shutdown()\n", "    shutdown = Shutdown()\n    len(shutdown.errors)\n"),
    ),
}
