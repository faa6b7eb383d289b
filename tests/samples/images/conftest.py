"""Pictures of every sort, made when they are needed, and records to work on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from PIL import ExifTags, Image

from penstock.samples.images.names import thumbnail_name
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase
from penstock.samples.images.settings import Settings

MakeInfo = Callable[..., ImageInfo]


def photograph(width: int = 120, height: int = 80) -> Image.Image:
    """Red upper left, green upper right, blue below, so that one sees how the picture lies."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (220, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 30)
    pixels[height // 2 :] = (40, 40, 210)
    return Image.fromarray(pixels)


@attrs.define(eq=False)
class Listener:
    """An observer that keeps what it hears."""

    progress: list[tuple[Phase, int]] = attrs.Factory(list[tuple[Phase, int]])
    images: list[ImageInfo] = attrs.Factory(list[ImageInfo])
    failures: list[Failure] = attrs.Factory(list[Failure])
    holds: list[bool] = attrs.Factory(list[bool])
    hook: Callable[[ImageInfo], None] = lambda info: None

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        self.progress.append((phase, info.sequence))

    def on_image(self, info: ImageInfo) -> None:
        self.images.append(info)
        self.hook(info)

    def on_error(self, failure: Failure) -> None:
        self.failures.append(failure)

    def on_hold(self, is_held: bool) -> None:
        self.holds.append(is_held)


@pytest.fixture
def photo() -> Image.Image:
    return photograph()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    output = tmp_path / "thumbnails"
    output.mkdir()
    return Settings(output=output, size=(64, 48), noise=8.0)


@pytest.fixture
def make_info() -> MakeInfo:
    def make(image: Image.Image | None = None, sequence: int = 1, name: str = "photo.png") -> ImageInfo:
        image = photograph() if image is None else image
        path = Path(name)
        whole = (0, 0, *image.size)
        return ImageInfo(sequence, path, thumbnail_name(path, name), sequence, np.asarray(image), picture=whole)

    return make


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Job]:
    """Save a picture (default: `photograph()`) under a name, with Pillow's options, as a job."""

    def make(name: str, image: Image.Image | None = None, **options: Any) -> Job:
        path = tmp_path / name
        (photograph() if image is None else image).save(path, **options)
        return Job(1, path)

    return make


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Six good photographs, whose names are not in the order in which they were written."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in (4, 2, 6, 1, 3, 5):
        photograph(90 + 10 * number, 60).save(folder / f"photo {number}.jpg")
    return folder


BAD_FILES = {
    "03 empty.jpg": "the file is empty",
    "04 text.jpg": "not a picture in a format that can be read",
    "05 cut off.jpg": "truncated",
    "06 link to nowhere.png": "no such file",
    "07 cut off.png": "",
    "08 cut off.webp": "",
    "09 bomb.png": "too many pixels",
}


@pytest.fixture
def bad_files() -> dict[str, str]:
    """The files of the dirty folder that cannot be read, with a part of the reason."""
    return BAD_FILES


@pytest.fixture
def dirty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What real folders have: all modes and formats, strange names, and files that cannot be read."""
    folder = tmp_path / "dirty"
    folder.mkdir()
    picture = photograph()
    _add_good_ones(folder, picture)
    (folder / "03 empty.jpg").touch()
    (folder / "04 text.jpg").write_text("Dear diary, today I forgot my camera.\n" * 50)
    noisy = Image.fromarray(np.random.default_rng(1).integers(0, 256, (80, 120, 3), dtype=np.uint8))
    for name in ("05 cut off.jpg", "07 cut off.png", "08 cut off.webp"):
        noisy.save(folder / name)
        os.truncate(folder / name, (folder / name).stat().st_size // 2)
    (folder / "06 link to nowhere.png").symlink_to(folder / "gone.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    Image.new("L", (1000, 900)).save(folder / "09 bomb.png")
    (folder / "notes.txt").write_text("not a picture, and not called one")
    (folder / ".hidden.jpg").write_text("not to be looked at")
    (folder / "folder.jpg").mkdir()
    return folder


def _add_good_ones(folder: Path, picture: Image.Image) -> None:
    """Add the files of the dirty folder that can be read, all of them the same photograph."""
    grey = picture.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    palette = picture.quantize(16)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    picture.save(folder / "01 first.JPG")
    picture.convert("CMYK").save(folder / "02 cmyk.jpg")
    grey.save(folder / "10 grey.jpg")
    deep.save(folder / "11 sixteen bits.png")
    deep.save(folder / "12 sixteen bits.tif")
    palette.save(folder / "13 palette.png", transparency=0)
    picture.save(folder / "14 animated.gif", save_all=True, append_images=[Image.new("RGB", picture.size)])
    picture.save(folder / "15 animated.webp", save_all=True, append_images=[Image.new("RGB", picture.size)])
    picture.convert("LA").save(folder / "16 grey with alpha.png")
    picture.convert("RGBA").save(folder / "17 alpha.webp")
    picture.convert("1").save(folder / "18 black and white.tif")
    Image.fromarray(np.asarray(grey).astype(np.float32) / 255).save(folder / "19 floats.tif")
    picture.transpose(Image.Transpose.ROTATE_90).save(folder / "20 turned.jpg", exif=turned)
    picture.save(folder / "21 really a png.jpg", "PNG")
    picture.save(folder / "22 broken profile.jpg", icc_profile=b"not a profile")
    picture.save(folder / "23 Ünïcødé 写真 📷.jpg")
    picture.save(folder / "24 [red]markup[bold].bmp")
    Image.new("RGB", (1, 1), "red").save(folder / "25 one pixel.png")
    Image.new("RGB", (5000, 2), "red").save(folder / "26 a line.png")
    if sys.platform == "linux":  # elsewhere names must be text
        picture.save(os.fsdecode(os.fsencode(folder) + b"/27 undecodable \xff\xfe.png"))
