"""Wrong answers to exercise 1, as edits of the solution."""

LOOP = """\
        before = ""
        async for phrase in self.phrases:
            if phrase.lower() != before:
                await self.kept.send(phrase)
            before = phrase.lower()
"""

EVER_BEFORE = """\
        before = set()
        async for phrase in self.phrases:
            if phrase.lower() not in before:
                await self.kept.send(phrase)
            before.add(phrase.lower())
"""
NO_REPEAT_FOUND = """\
        async for phrase in self.phrases:
            await self.kept.send(phrase)
"""
WITH_CASE = """\
        before = ""
        async for phrase in self.phrases:
            if phrase != before:
                await self.kept.send(phrase)
            before = phrase
"""
COLLECTED = """\
        kept = [""]
        async for phrase in self.phrases:
            if phrase.lower() != kept[-1].lower():
                kept.append(phrase)
        for phrase in kept[1:]:
            await self.kept.send(phrase)
"""
WITHOUT_END = """\
        before = ""
        while True:
            phrase = await self.phrases.receive()
            if phrase.lower() != before:
                await self.kept.send(phrase)
            before = phrase.lower()
"""
IN_THE_MODULE = """\
        global before
        async for phrase in self.phrases:
            if phrase.lower() != before:
                await self.kept.send(phrase)
            before = phrase.lower()


before = ""
"""
ONLY_ONE = """\
        await self.kept.send(await self.phrases.receive())
"""
LOST = """\
        before = ""
        async for phrase in self.phrases:
            if phrase.lower() != before:
                await self.kept.send(phrase)
                before = phrase.lower()
            else:
                await self.phrases.receive()
"""
WAITS_FOR_EVER = """\
        async for phrase in self.phrases:
            await self.kept.send(phrase)
        await trio.sleep_forever()
"""

WRONG = {
    "the stage is not put into the pipeline": (
        ("        DropRepeats(phrases, kept),\n", ""),
        ("CorrectCase(kept, corrected)", "CorrectCase(phrases, corrected)"),
    ),
    "the target is not named": (("inputs=[phrases], outputs=[kept])", "inputs=[phrases])"),),
    "it drops every phrase that has come before": ((LOOP, EVER_BEFORE),),
    "it drops nothing": ((LOOP, NO_REPEAT_FOUND),),
    "it compares upper and lower case": ((LOOP, WITH_CASE),),
    "it collects first": ((LOOP, COLLECTED),),
    "it receives without an end": ((LOOP, WITHOUT_END),),
    "it remembers the phrase in the module": ((LOOP, IN_THE_MODULE),),
    "it reads only one phrase": ((LOOP, ONLY_ONE),),
    "it loses a phrase after a repeat": ((LOOP, LOST),),
    "it never ends": ((LOOP, WAITS_FOR_EVER),),
}
