"""Noise: Gaussian, over the picture alone, and the same for the same number."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import pytest
from PIL import Image

from penstock.samples.images import noise
from penstock.samples.images.noise import add_noise
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.scale import scale
from penstock.samples.images.settings import Settings

MakeInfo = Callable[..., ImageInfo]


def test_the_same_name_gets_the_same_noise_and_another_another(make_info: MakeInfo, settings: Settings) -> None:
    first = add_noise(make_info(sequence=1), settings).pixels.tobytes()
    assert add_noise(make_info(sequence=2), settings).pixels.tobytes() == first
    assert add_noise(make_info(name="other.png"), settings).pixels.tobytes() != first
    assert add_noise(make_info(sequence=1), attrs.evolve(settings, seed=1)).pixels.tobytes() != first


def test_the_noise_has_the_deviation_asked_for(make_info: MakeInfo, settings: Settings) -> None:
    info = make_info(Image.new("RGB", (200, 200), (128, 128, 128)))
    values = add_noise(info, attrs.evolve(settings, noise=20.0)).pixels.astype(np.float64) - 128
    assert abs(values.mean()) < 0.5
    assert abs(values.std() - 20) < 0.5
    channels = values.reshape(-1, 3)
    assert abs(np.corrcoef(channels[:, 0], channels[:, 1])[0, 1]) < 0.02


def test_noise_stops_at_black_and_white(make_info: MakeInfo, settings: Settings) -> None:
    info = make_info(Image.new("RGB", (50, 50), (250, 5, 128)))
    values = add_noise(info, attrs.evolve(settings, noise=255.0)).pixels
    assert values.min() == 0
    assert values.max() == 255


def test_no_noise_leaves_the_picture_alone(make_info: MakeInfo, settings: Settings) -> None:
    info = make_info()
    assert add_noise(info, attrs.evolve(settings, noise=0.0)).pixels.tobytes() == info.pixels.tobytes()


def test_layers_add_up(make_info: MakeInfo, settings: Settings) -> None:
    info = make_info(Image.new("RGB", (200, 200), (128, 128, 128)))
    one = add_noise(info, settings).pixels.astype(float)
    four = add_noise(info, attrs.evolve(settings, layers=4)).pixels.astype(float)
    assert four.std() == pytest.approx(2 * one.std(), rel=0.02)


@pytest.mark.parametrize("size", [(1, 1), (33, 7), (200, 150)])
def test_it_does_not_matter_in_which_parts_noise_is_drawn(
    size: tuple[int, int], make_info: MakeInfo, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    info, settings = make_info(Image.new("RGB", size, (128, 128, 128))), attrs.evolve(settings, layers=3)
    drawn: set[bytes] = set()
    for values in (1, 1000, 1 << 30):
        monkeypatch.setattr(noise, "_AT_ONCE", values)
        drawn.add(add_noise(info, settings).pixels.tobytes())
    assert len(drawn) == 1


def test_the_frame_stays_clean(make_info: MakeInfo, settings: Settings) -> None:
    framed = scale(make_info(), settings)
    noisy = add_noise(framed, settings)
    before, after = framed.pixels, noisy.pixels
    left, upper, right, lower = framed.picture
    inside = np.zeros(before.shape, dtype=bool)
    inside[upper:lower, left:right] = True
    assert np.array_equal(before[~inside], after[~inside])
    assert not np.array_equal(before[inside], after[inside])
