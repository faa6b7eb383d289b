"""Wrong answers to exercise 8, as edits of the solution."""

COMPRESSED_LAST = """\
    source.link_target(encryptor)
    encryptor.link_target(compressor)
    compressor.link_target(writer)
"""
IN_ORDER = """\
    source.link_target(compressor)
    compressor.link_target(encryptor)
    encryptor.link_target(writer)
"""

WRONG = {
    "the rest is not flushed": ((", at_end=finish", ""),),
    "encrypted before it is compressed": ((IN_ORDER, COMPRESSED_LAST),),
    "it is not compressed": (("return [packer.compress(piece)]", "return [piece]"), (", at_end=finish", "")),
    "each piece is compressed by itself": (
        ("return [packer.compress(piece)]", "return [zlib.compress(piece)]"),
        (", at_end=finish", ""),
    ),
    "each piece goes through the cipher twice": (
        ("Transformer(cipher.encrypt", "Transformer(lambda piece: cipher.encrypt(cipher.encrypt(piece))"),
    ),
    "it runs on the loop": (("Transformer(cipher.encrypt, executor=Threads(1), ", "Transformer(cipher.encrypt, "),),
    "everything is read first": (
        ("IterableSource(pieces", 'IterableSource([b"".join(pieces)]'),
        ("    packer = ", "    pieces = list(pieces)\n    packer = "),
    ),
    "the last link is missing": (("    encryptor.link_target(writer)\n", ""),),
}
