"""The frames of a sealed file: what was changed, moved or cut off is not opened."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography", reason="an extra")

from penstock.samples.streams import frames
from penstock.samples.streams.frames import (
    FRAME,
    HEAD,
    MAGIC,
    SALT,
    TAG,
    ChangedError,
    CostError,
    CutOffError,
    NotSealedError,
    Opener,
    OutOfOrderError,
    Sealer,
    SealError,
    Secret,
    WrongKeyError,
)

KEY = bytes(range(32))
DATA = os.urandom(3 * FRAME - 1000)
BEGIN = len(MAGIC) + SALT
WHOLE = HEAD.size + FRAME + TAG


def sealed(data: bytes, size: int = 1 << 20) -> bytes:
    sealer = Sealer(Secret(KEY))
    return b"".join(map(sealer.update, cut(data, size))) + sealer.finalize()


def opened(data: bytes, key: bytes = KEY, size: int = 1 << 20) -> bytes:
    opener = Opener(Secret(key))
    return b"".join(map(opener.update, cut(data, size))) + opener.finalize()


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@given(st.integers(0, 3), st.integers(-2, 2), st.integers(5_000, 500_000), st.integers(5_000, 500_000))
def test_any_chunks_in_and_any_chunks_out_are_the_same_bytes(frames: int, more: int, one: int, other: int) -> None:
    data = DATA[: max(0, frames * FRAME + more)]
    assert opened(sealed(data, one), size=other) == data


def test_small_chunks_are_the_same_bytes() -> None:
    assert opened(sealed(DATA[:1000], 1), size=1) == DATA[:1000]


def test_two_files_of_the_same_data_differ() -> None:
    assert sealed(b"x") != sealed(b"x")


@given(st.integers(0, 10**9))
def test_a_file_that_was_cut_off_anywhere_is_not_opened(place: int) -> None:
    data = sealed(DATA)
    with pytest.raises(CutOffError, match="it was cut off in frame"):
        opened(data[: place % len(data)])


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_file_with_any_other_byte_is_not_opened(place: int, change: int) -> None:
    data = bytearray(sealed(DATA[: FRAME + 100]))
    data[place % len(data)] ^= change
    with pytest.raises(SealError):
        opened(bytes(data))


def test_a_changed_frame_is_named() -> None:
    data = bytearray(sealed(DATA))
    data[BEGIN + WHOLE + HEAD.size + 5] ^= 1
    with pytest.raises(ChangedError, match=r"^frame 1 was changed$"):
        opened(bytes(data))
    data = bytearray(sealed(DATA))
    data[BEGIN + 8] ^= 0x80  # its length
    with pytest.raises(ChangedError, match=r"^frame 0 was changed$"):
        opened(bytes(data))


def test_frames_in_another_order_are_named() -> None:
    data = sealed(DATA)
    begin, first, second, rest = (
        data[:BEGIN],
        data[BEGIN:][:WHOLE],
        data[BEGIN + WHOLE :][:WHOLE],
        data[BEGIN + 2 * WHOLE :],
    )
    with pytest.raises(OutOfOrderError, match=r"^frame 1 is in the place of frame 0$"):
        opened(begin + second + first + rest)
    with pytest.raises(OutOfOrderError, match=r"^frame 2 is in the place of frame 1$"):
        opened(begin + first + rest)
    with pytest.raises(OutOfOrderError, match=r"^something follows the last frame$"):
        opened(data + rest)


def test_a_frame_of_another_file_is_not_taken() -> None:
    one, other = sealed(DATA), sealed(DATA)
    with pytest.raises(ChangedError, match=r"^frame 1 was changed$"):
        opened(one[: BEGIN + WHOLE] + other[BEGIN + WHOLE :])


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ChangedError, match="the key is not the one of this file"):
        opened(sealed(DATA), key=bytes(32))


def test_another_file_is_no_sealed_file() -> None:
    with pytest.raises(NotSealedError, match=r"^it is not a sealed file$"):
        opened(DATA)
    with pytest.raises(CutOffError):
        opened(b"")


def test_a_passphrase_opens_what_it_has_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "USUAL_COST", (14, 8, 1))
    secret = Secret(b"correct horse", is_passphrase=True)
    sealer = Sealer(secret)
    data = sealer.update(DATA) + sealer.finalize()
    opener = Opener(secret)
    assert b"".join(map(opener.update, cut(data, 1000))) + opener.finalize() == DATA
    with pytest.raises(WrongKeyError, match="frame 0 was changed, or the passphrase is not the one of this file"):
        Opener(Secret(b"wrong", is_passphrase=True)).update(data)
    with pytest.raises(WrongKeyError, match="not with a key"):
        Opener(Secret(KEY)).update(data)
    with pytest.raises(WrongKeyError, match="not with a passphrase"):
        Opener(secret).update(sealed(DATA))
    with pytest.raises(CutOffError):
        Opener(secret).finalize()
    weaker = bytearray(data)
    weaker[len(MAGIC)] += 1
    with pytest.raises(WrongKeyError):
        Opener(secret).update(bytes(weaker))
    assert "horse" not in repr(secret)


@pytest.mark.parametrize("cost", [(21, 8, 1), (255, 8, 1), (17, 9, 1), (17, 8, 5), (17, 8, 0), (13, 8, 1), (17, 0, 1)])
def test_a_header_that_asks_for_too_much_work_or_too_little_is_refused(cost: tuple[int, int, int]) -> None:
    data = frames.MAGIC_OF_PASSPHRASE + bytes(cost) + bytes(SALT)
    with pytest.raises(CostError, match="its header asks for scrypt with"):
        Opener(Secret(b"any", is_passphrase=True)).update(data)
