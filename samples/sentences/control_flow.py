"""The sentence program as four agents that pass phrases, and then sentences, through buffers.

The governor counts sentences, not phrases, and only the program knows what a sentence is. So the first agent takes a
slot where a sentence starts, and the last one frees it when the sentence is written. Counting phrases could stop the
reader in the middle of a sentence, which would never be completed.
"""

from collections.abc import Callable
from typing import BinaryIO

import attrs
import trio

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import Source, Target, UnboundedBuffer
from penstock.samples.sentences.phrase import Counts, Phrase, PhraseSource, Sentence
from penstock.samples.sentences.text import correct_case
from penstock.samples.watch import Watch


class ReadPhrases(Agent):
    """Sends the phrases of a source; it starts a sentence only when the governor has a slot for it."""

    def __init__(self, source: PhraseSource, phrases: Target[Phrase], governor: PipelineGovernor) -> None:
        super().__init__(inputs=[], outputs=[phrases])
        self.source, self.phrases, self.governor = source, phrases, governor
        self.count = 0

    async def run(self) -> None:
        """Reads until the source has no more."""
        starts_sentence = True
        # In a thread, because a disk or a pipe may be slow. It can be abandoned, because a pipe may never answer.
        while batch := await trio.to_thread.run_sync(self.source.read, abandon_on_cancel=True):
            for phrase in batch:
                if starts_sentence:
                    await self.governor.wait_for_available_slot()
                await self.phrases.send(phrase)
                self.count += 1
                starts_sentence = phrase.ends_sentence


class CorrectCase(Agent):
    """Corrects the case of each phrase."""

    def __init__(self, phrases: Source[Phrase], corrected: Target[Phrase]) -> None:
        super().__init__(inputs=[phrases], outputs=[corrected])
        self.phrases, self.corrected = phrases, corrected

    async def run(self) -> None:
        """Corrects until there are no more phrases."""
        starts_sentence = True
        async for phrase in self.phrases:
            text = correct_case(phrase.text, starts_sentence and not phrase.is_fragment)
            await self.corrected.send(attrs.evolve(phrase, text=text))
            starts_sentence = phrase.ends_sentence


class CreateSentences(Agent):
    """Joins phrases until they make a sentence."""

    def __init__(self, corrected: Source[Phrase], sentences: Target[Sentence]) -> None:
        super().__init__(inputs=[corrected], outputs=[sentences])
        self.corrected, self.sentences = corrected, sentences

    async def run(self) -> None:
        """Joins until there are no more phrases."""
        texts: list[str] = []
        async for phrase in self.corrected:
            texts.append(phrase.text)
            if phrase.ends_sentence:
                await self.sentences.send(Sentence(" ".join(texts), phrase.ends_paragraph))
                texts = []


class WriteSentences(Agent):
    """Writes each sentence and frees its slot."""

    def __init__(
        self,
        sentences: Source[Sentence],
        output: BinaryIO,
        governor: PipelineGovernor,
        on_sentence: Callable[[], object],
    ) -> None:
        super().__init__(inputs=[sentences], outputs=[])
        self.sentences, self.output, self.governor = sentences, output, governor
        self.on_sentence = on_sentence
        self.count = 0

    async def run(self) -> None:
        """Writes until there are no more sentences."""
        previous: Sentence | None = None
        async for sentence in self.sentences:
            self.output.write(sentence.line(after=previous).encode())
            self.governor.free_slot()
            self.count += 1
            self.on_sentence()
            previous = sentence


async def run_control_flow(
    source: PhraseSource,
    output: BinaryIO,
    *,
    limit: int = 20,
    on_sentence: Callable[[], object] = lambda: None,
    watch: Watch | None = None,
) -> Counts:
    """Reads all phrases of the source and writes their sentences, UTF-8, one per line.

    Args:
        source: gives the phrases.
        output: gets the sentences; it stays open.
        limit: up to this many sentences are in the pipeline, >= 1.
        on_sentence: called after each sentence that was written.
        watch: observes the run, and limits its time.
    """
    watch = Watch() if watch is None else watch
    governor = PipelineGovernor(limit=limit, name="sentences under way")
    phrases = UnboundedBuffer[Phrase](name="phrases")
    corrected = UnboundedBuffer[Phrase](name="corrected")
    sentences = UnboundedBuffer[Sentence](name="sentences")

    read = ReadPhrases(source, phrases, governor)
    correct = CorrectCase(phrases, corrected)
    create = CreateSentences(corrected, sentences)
    write = WriteSentences(sentences, output, governor, on_sentence)

    async with watch.network(read, correct, create, write, name="sentences"):
        pass
    return Counts(phrases=read.count, sentences=write.count)
