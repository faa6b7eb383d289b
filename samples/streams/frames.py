"""The form of a sealed file: frames that are encrypted and authenticated, each in its place.

A file begins with `MAGIC` and a random salt. The key of the file is derived from the user's key and the salt, so that
no pair of key and nonce is used twice. With a passphrase, the file begins with `MAGIC_OF_PASSPHRASE`, the cost of
scrypt and the salt, and the key is derived by scrypt first. A changed cost gives another key.

Then come frames. Each begins with its number, its length, and whether it is the last one; the rest is encrypted with
AES-GCM, with the number as the nonce. The beginning is authenticated, too. So a frame cannot be changed, moved to
another place or into another file, and the end cannot be cut off.

A frame is given out only after its check. What `Sealer` and `Opener` do is the work of codec objects: their `update`
takes bytes, and their `finalize` comes at the end.
"""

from __future__ import annotations

import os
import struct
from typing import Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

__all__ = [
    "ChangedError",
    "CostError",
    "CutOffError",
    "NotSealedError",
    "Opener",
    "OutOfOrderError",
    "SealError",
    "Sealer",
    "Secret",
    "WrongKeyError",
]

MAGIC = b"penstock seal 1\n"
MAGIC_OF_PASSPHRASE = b"penstock seal 2\n"
SALT = 16
KEY = 32
FRAME = 128 * 1024
"""The number of bytes in a frame before it is encrypted."""
TAG = 16
HEAD = struct.Struct(">QI?")
"""Number, length of the encrypted part, and whether it is the last frame."""


COST = struct.Struct(">BBB")
"""The parameters of scrypt: the logarithm of n to base 2, r, and p."""
USUAL_COST: Final = (17, 8, 1)
"""It takes 128 MiB, and a few tenths of a second."""
LEAST_COST: Final = (14, 8, 1)
MOST_COST: Final = (20, 8, 4)
"""It takes 1 GiB. A header that asks for more is refused: whoever made it need not know the passphrase."""


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


class WrongKeyError(ChangedError):
    """The key or the passphrase is not the one of the file; or its beginning was changed."""


class CostError(SealError):
    """The header of a file asks for more or less work than is allowed."""


@attrs.frozen
class Secret:
    """What the user knows.

    Args:
        data: a key of 32 bytes, or a passphrase.
        is_passphrase: whether it is a passphrase.
    """

    data: bytes = attrs.field(repr=False)
    is_passphrase: bool = False

    @property
    def magic(self) -> bytes:
        """How a file that is sealed with it begins."""
        return MAGIC_OF_PASSPHRASE if self.is_passphrase else MAGIC

    @property
    def head_size(self) -> int:
        """The number of bytes before the first frame."""
        return len(self.magic) + (COST.size if self.is_passphrase else 0) + SALT

    def __str__(self) -> str:
        return "passphrase" if self.is_passphrase else "key"

    def new_head(self) -> bytes:
        """Return the beginning of a new file."""
        return self.magic + (COST.pack(*USUAL_COST) if self.is_passphrase else b"") + os.urandom(SALT)

    def cipher(self, head: bytes) -> AESGCM:
        """Return the cipher of the file with this beginning.

        Raises:
            CostError: it asks for too much work, or for too little.
        """
        salt = head[-SALT:]
        key = self.data
        if self.is_passphrase:
            cost = COST.unpack_from(head, len(self.magic))
            if not all(low <= one <= high for low, one, high in zip(LEAST_COST, cost, MOST_COST, strict=True)):
                raise CostError(f"its header asks for scrypt with 2^{cost[0]}, {cost[1]}, {cost[2]}, which is refused")
            key = Scrypt(salt, KEY, 1 << cost[0], cost[1], cost[2]).derive(key)
        return AESGCM(HKDF(SHA256(), KEY, salt, self.magic).derive(key))


def nonce(number: int) -> bytes:
    """Return the nonce of a frame."""
    return number.to_bytes(12, "big")


class Sealer:
    """Encrypts a stream.

    Args:
        secret: the key or the passphrase of the user.
    """

    def __init__(self, secret: Secret) -> None:
        self._begin = secret.new_head()
        self._cipher = secret.cipher(self._begin)
        self._rest = b""
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
        secret: the key or the passphrase of the user.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
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
            begin = self._rest[: len(MAGIC)]
            if not self._secret.magic.startswith(begin):
                if begin in (MAGIC, MAGIC_OF_PASSPHRASE):
                    raise WrongKeyError(f"it was sealed with another kind of secret, not with a {self._secret}")
                if not (MAGIC.startswith(begin) or MAGIC_OF_PASSPHRASE.startswith(begin)):
                    raise NotSealedError("it is not a sealed file")
            size = self._secret.head_size
            if len(self._rest) < size:
                return b""
            self._cipher = self._secret.cipher(self._rest[:size])
            self._rest = self._rest[size:]
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
            if number == 0:
                what = f"frame 0 was changed, or the {self._secret} is not the one of this file"
                raise WrongKeyError(what) from None
            raise ChangedError(f"frame {number} was changed") from None
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
