"""Scaling: a frame of exactly the size asked for, the picture in its middle with its own aspect."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from penstock.samples.images.record import ImageInfo
from penstock.samples.images.scale import fit, scale
from penstock.samples.images.settings import Settings

MakeInfo = Callable[..., ImageInfo]

sizes = st.tuples(st.integers(1, 5000), st.integers(1, 5000))


@given(size=sizes, box=sizes)
def test_what_is_fitted_keeps_its_aspect_and_never_grows(size: tuple[int, int], box: tuple[int, int]) -> None:
    width, height = fit(size, box)
    assert 1 <= width <= min(size[0], box[0])
    assert 1 <= height <= min(size[1], box[1])
    assert size == (width, height) or width == box[0] or height == box[1] or 1 in (width, height)
    factor = min(box[0] / size[0], box[1] / size[1], 1)
    assert abs(width - size[0] * factor) <= 1
    assert abs(height - size[1] * factor) <= 1


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (5000, 3), (3, 5000), (1, 1), (64, 48)])
@pytest.mark.parametrize("frame", [(64, 48), (48, 64), (32, 32), (320, 240)])
def test_the_thumbnail_has_the_size_of_the_frame(
    make_info: MakeInfo, settings: Settings, size: tuple[int, int], frame: tuple[int, int]
) -> None:
    info = make_info(Image.new("RGB", size, (200, 0, 0)))
    done = scale(info, attrs.evolve(settings, size=frame))
    image = Image.fromarray(done.pixels)
    assert image.size == frame
    left, upper, right, lower = done.picture
    assert 0 < left < right < frame[0]
    assert 0 < upper < lower < frame[1]
    assert (right - left) <= size[0]
    assert abs((left + right) - frame[0]) <= 1, "in the middle"
    assert abs((upper + lower) - frame[1]) <= 1
    assert image.getpixel((left, upper)) == (200, 0, 0)
    assert image.getpixel((right - 1, lower - 1)) == (200, 0, 0)
    assert image.getpixel((right, lower)) != (200, 0, 0)


def test_the_record_before_is_left_as_it_was(make_info: MakeInfo, settings: Settings) -> None:
    info = make_info()
    before = info.pixels.tobytes()
    done = scale(info, settings)
    assert info.pixels.tobytes() == before
    assert (done.sequence, done.path) == (info.sequence, info.path)
