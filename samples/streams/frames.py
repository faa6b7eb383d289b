"""The form of a sealed file: frames that are encrypted and authenticated, each in its place.

A file begins with `MAGIC` and a random salt. The key of the file is derived from the user's key and the salt, so that
no pair of key and nonce is used twice. Then come frames. Each begins with its number, its length, and whether it is the
last one; the rest is encrypted with AES-GCM, with the number as the nonce. The beginning is authenticated, too. So a
frame cannot be changed, moved to another place or into another file, and the end cannot be cut off.

A frame is given out only after its check. What `Sealer` and `Opener` do is the work of codec objects: their `update`
takes bytes, and their `finalize` comes at the end.
"""

from __future__ import annotations

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["ChangedError", "CutOffError", "NotSealedError", "Opener", "OutOfOrderError", "SealError", "Sealer"]

MAGIC = b"penstock seal 1\n"
SALT = 16
KEY = 32
FRAME = 128 * 1024
"""The number of bytes in a frame before it is encrypted."""
TAG = 16
HEAD = struct.Struct(">QI?")
"""Number, length of the encrypted part, and whether it is the last frame."""


class SealError(Exception):
    """A file is not as it was sealed."""


class NotSealedError(SealError):
    """A file was not written by the sealer."""


class CutOffError(SealError):
    """The end of a file is missing."""


class OutOfOrderError(SealError):
    """A frame is not in its place."""


class ChangedError(SealError):
    """A frame was changed, or the key is another one."""


def cipher_of(key: bytes, salt: bytes) -> AESGCM:
    """Return the cipher of one file."""
    return AESGCM(HKDF(SHA256(), KEY, salt, MAGIC).derive(key))


def nonce(number: int) -> bytes:
    """Return the nonce of a frame."""
    return number.to_bytes(12, "big")


class Sealer:
    """Encrypts a stream.

    Args:
        key: the key of the user, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        salt = os.urandom(SALT)
        self._cipher = cipher_of(key, salt)
        self._rest = b""
        self._begin = MAGIC + salt
        self._number = 0

    def update(self, data: bytes) -> bytes:
        """Take in data; return the frames that are full."""
        data = self._rest + data
        frames = [data[start : start + FRAME] for start in range(0, len(data), FRAME)]
        self._rest = frames.pop() if frames else b""  # it may be the last one
        return self._begun() + b"".join([self._frame(frame, is_last=False) for frame in frames])

    def finalize(self) -> bytes:
        """Return the last frame."""
        return self._begun() + self._frame(self._rest, is_last=True)

    def _begun(self) -> bytes:
        begin, self._begin = self._begin, b""
        return begin

    def _frame(self, data: bytes, *, is_last: bool) -> bytes:
        head = HEAD.pack(self._number, len(data) + TAG, is_last)
        sealed = self._cipher.encrypt(nonce(self._number), data, head)
        self._number += 1
        return head + sealed


class Opener:
    """Checks and decrypts a sealed stream.

    Args:
        key: the key of the user, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher: AESGCM | None = None
        self._rest = b""
        self._number = 0
        self._is_over = False

    def update(self, data: bytes) -> bytes:
        """Take in data; return what is in the frames that have come.

        Raises:
            SealError: the data are not as they were sealed.
        """
        self._rest += data
        if self._cipher is None:
            if not MAGIC.startswith(self._rest[: len(MAGIC)]):
                raise NotSealedError("it is not a sealed file")
            if len(self._rest) < len(MAGIC) + SALT:
                return b""
            self._cipher = cipher_of(self._key, self._rest[len(MAGIC) : len(MAGIC) + SALT])
            self._rest = self._rest[len(MAGIC) + SALT :]
        return b"".join(iter(self._next, None))

    def _next(self) -> bytes | None:
        """Return what is in the next frame; None if it has not come."""
        assert self._cipher is not None
        if self._is_over and self._rest:
            raise OutOfOrderError("something follows the last frame")
        if len(self._rest) < HEAD.size:
            return None
        head = self._rest[: HEAD.size]
        number, length, is_last = HEAD.unpack(head)
        if number != self._number:
            raise OutOfOrderError(f"frame {number} is in the place of frame {self._number}")
        if not TAG <= length <= FRAME + TAG:
            raise ChangedError(f"frame {number} was changed")
        end = HEAD.size + length
        if len(self._rest) < end:
            return None
        try:
            data = self._cipher.decrypt(nonce(number), self._rest[HEAD.size : end], head)
        except InvalidTag:
            what = "was changed" if number else "was changed, or the key is not the one of this file"
            raise ChangedError(f"frame {number} {what}") from None
        self._rest = self._rest[end:]
        self._number += 1
        self._is_over = is_last
        return data

    def finalize(self) -> bytes:
        """Check that the last frame has come.

        Raises:
            CutOffError: it has not.
        """
        if not self._is_over:
            raise CutOffError(f"it was cut off in frame {self._number}")
        return b""
