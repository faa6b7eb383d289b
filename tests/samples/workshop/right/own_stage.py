"""Other right answers to exercise 1, as edits of the solution."""

LOOP = """\
        before = ""
        async for phrase in self.phrases:
            if phrase.lower() != before:
                await self.kept.send(phrase)
            before = phrase.lower()
"""
RECEIVING = """\
        before = None
        while True:
            try:
                phrase = await self.phrases.receive()
            except trio.EndOfChannel:
                break
            if before is None or phrase.casefold() != before.casefold():
                await self.kept.send(phrase)
            before = phrase
"""
BEHIND = """\
        CorrectCase(phrases, kept),
        DropRepeats(kept, corrected),
"""

RIGHT = {
    "it receives until the end": ((LOOP, RECEIVING),),
    "the stage comes after the case is corrected": (
        ("        DropRepeats(phrases, kept),\n        CorrectCase(kept, corrected),\n", BEHIND),
    ),
    "the buffer has a bound": (
        ("UnboundedBuffer[str](name=", "BoundedBuffer[str](1, name="),
        ("Target, UnboundedBuffer", "Target, UnboundedBuffer, BoundedBuffer"),
    ),
}
