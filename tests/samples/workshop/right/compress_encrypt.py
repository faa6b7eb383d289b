"""Other right answers to exercise 8, as edits of the solution."""

START = "    packer = zlib.compressobj()\n"
PIPELINE = """\
    from penstock.agents import Pipeline

    packer = zlib.compressobj(9)

    def compressed():
        for piece in pieces:
            yield packer.compress(piece)
        yield packer.flush()

    threads = Threads(2)
    async with Pipeline(cipher.encrypt, executor=threads, capacity=2).stream(compressed()) as results:
        async for piece in results:
            write(piece)


async def other(pieces: Iterable[bytes], cipher: Cipher, write: Callable[[bytes], object]) -> None:
    packer = zlib.compressobj()
"""

RIGHT = {
    "empty pieces are left out": (
        ("return [packer.compress(piece)]", "return [part] if (part := packer.compress(piece)) else []"),
    ),
    "the stages share two threads": (
        (START, START + "    threads = Threads(2)\n"),
        ("finish, executor=Threads(1)", "finish, executor=threads"),
        ("encrypt, executor=Threads(1)", "encrypt, executor=threads"),
    ),
    "a pipeline over a generator": ((START, PIPELINE),),
}
