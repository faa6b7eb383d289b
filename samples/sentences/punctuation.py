"""The characters that bound phrases and words, in the scripts the sample knows."""

OPENERS = "\"'([{«»‹›„‚“”‘’¿¡*_「『【（〈《"
CLOSERS = "\"')]}»«›‹”“’‘*_」』】）〉》"

PHRASE_MARKS = ",;،؛、，；"
SENTENCE_MARKS = ".…!?‽؟।。！？｡"

EDGES = OPENERS + CLOSERS + ".,;:!?…-–—"

# All white space except the no-break spaces U+00A0, U+2007 and U+202F, for use inside the [] of a pattern.
BREAKING_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000"
