"""The sentence program as a plain loop: what the agents of `control_flow` do, one step after the other."""

from collections.abc import Callable
from typing import BinaryIO

from penstock.samples.sentences.phrase import Counts, PhraseSource, Sentence
from penstock.samples.sentences.text import correct_case


def run_sequential(
    source: PhraseSource, output: BinaryIO, *, on_sentence: Callable[[], object] = lambda: None
) -> Counts:
    """Reads all phrases of the source and writes their sentences, UTF-8, one per line.

    Args:
        source: gives the phrases.
        output: gets the sentences; it stays open.
        on_sentence: called after each sentence that was written.
    """
    phrases = sentences = 0
    starts_sentence = True
    texts: list[str] = []
    previous: Sentence | None = None
    while batch := source.read():
        for phrase in batch:
            phrases += 1
            texts.append(correct_case(phrase.text, starts_sentence and not phrase.is_fragment))
            starts_sentence = phrase.ends_sentence
            if phrase.ends_sentence:
                sentence = Sentence(" ".join(texts), phrase.ends_paragraph)
                output.write(sentence.line(after=previous).encode())
                on_sentence()
                sentences += 1
                texts = []
                previous = sentence
    return Counts(phrases, sentences)
