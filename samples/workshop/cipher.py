"""A cipher from the standard library alone, to learn with: it must not protect real secrets."""

from __future__ import annotations

import hashlib
import threading
from itertools import count

__all__ = ["Cipher"]


class Cipher:
    """Encrypts bytes, piece by piece: it combines them with a stream of bytes that the key determines.

    The stream goes on from call to call, so the pieces must come in order, one at a time. Decrypting is the same with a
    new cipher of the same key.

    Args:
        key: the secret that both sides know.

    Attributes:
        threads: the threads in which `encrypt` was called.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = count()
        self._rest = b""
        self.threads: set[int] = set()

    def encrypt(self, piece: bytes) -> bytes:
        """Return the piece, encrypted; it has the same length."""
        self.threads.add(threading.get_ident())
        blocks = [self._rest]
        length = len(self._rest)
        while length < len(piece):
            blocks.append(hashlib.sha256(self._key + next(self._counter).to_bytes(8, "big")).digest())
            length += len(blocks[-1])
        stream = b"".join(blocks)
        self._rest = stream[len(piece) :]
        mixed = int.from_bytes(piece, "big") ^ int.from_bytes(stream[: len(piece)], "big")
        return mixed.to_bytes(len(piece), "big")
