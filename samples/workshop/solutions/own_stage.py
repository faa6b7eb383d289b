"""Exercise 1: a stage of your own in the sentence pipeline."""

from collections.abc import AsyncIterable, AsyncIterator, Callable

import trio

from penstock.agents import Agent
from penstock.blocks import Network, Source, Target, UnboundedBuffer

PHRASES = ["once upon a time,", "Once Upon a time,", "THERE was a mill.", "it stood", "by THE river", "by the river."]


class ReadPhrases(Agent):
    """Sends the phrases."""

    def __init__(self, read: AsyncIterable[str], phrases: Target[str]) -> None:
        super().__init__(outputs=[phrases])
        self.read, self.phrases = read, phrases

    async def run(self) -> None:
        """Sends until there are no more phrases."""
        async for phrase in self.read:
            await self.phrases.send(phrase)


class DropRepeats(Agent):
    """Leaves out each phrase that repeats the phrase right before it; upper and lower case make no difference."""

    def __init__(self, phrases: Source[str], kept: Target[str]) -> None:
        super().__init__(inputs=[phrases], outputs=[kept])
        self.phrases, self.kept = phrases, kept

    async def run(self) -> None:
        """Reads to the end, and sends on what is no repeat."""
        before = ""
        async for phrase in self.phrases:
            if phrase.lower() != before:
                await self.kept.send(phrase)
            before = phrase.lower()


class CorrectCase(Agent):
    """Writes a phrase at the start of a sentence with a capital, and all else in lower case."""

    def __init__(self, kept: Source[str], corrected: Target[str]) -> None:
        super().__init__(inputs=[kept], outputs=[corrected])
        self.kept, self.corrected = kept, corrected

    async def run(self) -> None:
        """Corrects until there are no more phrases."""
        starts_sentence = True
        async for phrase in self.kept:
            await self.corrected.send(phrase.capitalize() if starts_sentence else phrase.lower())
            starts_sentence = phrase.endswith(".")


class CreateSentences(Agent):
    """Joins phrases until they make a sentence."""

    def __init__(self, corrected: Source[str], sentences: Target[str]) -> None:
        super().__init__(inputs=[corrected], outputs=[sentences])
        self.corrected, self.sentences = corrected, sentences

    async def run(self) -> None:
        """Joins until there are no more phrases."""
        sentence: list[str] = []
        async for phrase in self.corrected:
            sentence.append(phrase)
            if phrase.endswith("."):
                await self.sentences.send(" ".join(sentence))
                sentence = []


class WriteSentences(Agent):
    """Writes each sentence."""

    def __init__(self, sentences: Source[str], write: Callable[[str], object]) -> None:
        super().__init__(inputs=[sentences])
        self.sentences, self.write = sentences, write

    async def run(self) -> None:
        """Writes until there are no more sentences."""
        async for sentence in self.sentences:
            self.write(sentence)


def make_agents(read: AsyncIterable[str], write: Callable[[str], object]) -> list[Agent]:
    """Connects the stages with buffers."""
    phrases = UnboundedBuffer[str](name="phrases")
    kept = UnboundedBuffer[str](name="kept")
    corrected = UnboundedBuffer[str](name="corrected")
    sentences = UnboundedBuffer[str](name="sentences")
    return [
        ReadPhrases(read, phrases),
        DropRepeats(phrases, kept),
        CorrectCase(kept, corrected),
        CreateSentences(corrected, sentences),
        WriteSentences(sentences, write),
    ]


async def read_slowly() -> AsyncIterator[str]:
    """Stands for a person who types the phrases."""
    for phrase in PHRASES:
        await trio.sleep(0.2)
        yield phrase


async def main() -> None:
    """Writes the sentences of a few phrases."""
    async with Network(*make_agents(read_slowly(), print)):
        pass


if __name__ == "__main__":
    trio.run(main)
