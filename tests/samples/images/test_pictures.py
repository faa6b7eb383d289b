"""The painted pictures: the same every time, of every scene, and good enough to load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from penstock.samples.images import pictures
from penstock.samples.images.load import load
from penstock.samples.images.pictures import make_pictures, paint_picture
from penstock.samples.images.record import Job
from penstock.samples.images.scenes import SCENES, Scene
from penstock.samples.images.settings import Settings


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_LONG", 180)
    monkeypatch.setattr(pictures, "_SHORT", 120)


def test_the_same_seed_paints_the_same_pictures(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "other")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        folder.mkdir()
        assert len(list(make_pictures(folder, 3, seed))) == 3
    one, two, other = ([path.read_bytes() for path in sorted(folder.iterdir())] for folder in folders)
    assert one == two
    assert one != other


def test_every_kind_of_file_is_among_them_and_sorted_as_painted(tmp_path: Path, settings: Settings) -> None:
    painted = list(make_pictures(tmp_path, 11))
    assert sorted(painted) == painted
    assert {path.suffix for path in painted} == {".jpg", ".png", ".webp"}
    sizes = [load(Job(number, path), settings).pixels.shape for number, path in enumerate(painted, start=1)]
    assert [width > height for height, width, _ in sizes] == [n % 5 != 0 for n in range(1, 12)]
    with Image.open(painted[4]) as lying:
        assert lying.width > lying.height, "stored on its side, as cameras do"


def test_pictures_can_be_smaller(tmp_path: Path) -> None:
    path = paint_picture(tmp_path, 1, shrink=4)
    with Image.open(path) as picture:
        assert picture.size == (45, 30)


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize("seed", range(3))
def test_a_scene_has_light_and_shadow(scene: Scene, seed: int) -> None:
    picture = scene(np.random.default_rng(seed), 60, 90)
    assert picture.shape == (60, 90, 3)
    assert np.isfinite(picture).all()
    brightness = np.clip(picture, 0, 1).mean(axis=2)
    assert 0.01 < brightness.mean() < 0.95
    assert brightness.std() > 0.03
