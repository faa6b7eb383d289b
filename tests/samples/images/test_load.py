"""Loading: everything that is a picture becomes upright RGB; everything else is refused in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from penstock.samples.images.load import UnreadableError, load
from penstock.samples.images.record import Job
from penstock.samples.images.settings import Settings

MakeJob = Callable[..., Job]

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 30), (40, 40, 210)


def profile(space: Literal["LAB", "sRGB"]) -> ImageCms.ImageCmsProfile:
    # Pillow gives no type for the core's profile.
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


def loaded(job: Job, settings: Settings) -> Image.Image:
    """What the pixels show."""
    return Image.fromarray(load(job, settings).pixels)


def assert_lies_right(image: Image.Image, tolerance: int = 40) -> None:
    """Red upper left, green upper right, blue below."""
    assert image.mode == "RGB"
    assert image.width > image.height
    places = {(0.25, 0.2): RED, (0.75, 0.2): GREEN, (0.3, 0.8): BLUE, (0.7, 0.8): BLUE}
    for (x, y), expected in places.items():
        found = image.getpixel((int(x * image.width), int(y * image.height)))
        assert isinstance(found, tuple)
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= tolerance


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.webp", "photo.tif", "photo.gif", "photo.bmp"])
def test_a_photograph_of_any_format_is_loaded(make_job: MakeJob, settings: Settings, name: str) -> None:
    info = load(make_job(name), settings)
    assert info.sequence == 1
    assert info.path.name == name
    assert info.picture == (0, 0, 120, 80)
    assert info.pixels.shape == (80, 120, 3)
    assert_lies_right(Image.fromarray(info.pixels))


UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", UNDO)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_turned_photograph_is_put_upright(
    make_job: MakeJob, settings: Settings, photo: Image.Image, orientation: int, suffix: str
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    job = make_job(f"turned{suffix}", photo.transpose(UNDO[orientation]), exif=exif)
    assert_lies_right(loaded(job, settings))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow's word on it
def test_damaged_exif_data_do_not_cost_the_picture(make_job: MakeJob, settings: Settings) -> None:
    job = make_job("photo.jpg", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert_lies_right(loaded(job, settings))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_come_out_as_rgb(
    make_job: MakeJob, settings: Settings, photo: Image.Image, mode: str
) -> None:
    if mode == "LAB":
        converted = ImageCms.profileToProfile(photo, profile("sRGB"), profile("LAB"), outputMode="LAB")
        assert converted is not None
    else:
        converted = photo.convert(mode)
    assert_lies_right(loaded(make_job("photo.tif", converted), settings))


def test_a_cmyk_jpeg_has_its_colours(make_job: MakeJob, settings: Settings, photo: Image.Image) -> None:
    assert_lies_right(loaded(make_job("photo.jpg", photo.convert("CMYK")), settings))


def test_a_palette_and_a_greyscale_picture_come_out_as_rgb(
    make_job: MakeJob, settings: Settings, photo: Image.Image
) -> None:
    assert_lies_right(loaded(make_job("palette.png", photo.quantize(8)), settings))
    grey = loaded(make_job("grey.jpg", photo.convert("L")), settings)
    assert grey.mode == "RGB"
    red, green, blue = np.asarray(grey)[70, 60]
    assert red == green == blue
    assert 55 < red < 65


GREYS = np.linspace(0, 1, 128, dtype=np.float64).reshape(8, 16)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sixteen bits.png", (GREYS * 65535).astype(np.uint16)),
        ("sixteen bits.tif", (GREYS * 65535).astype(np.uint16)),
        ("whole numbers like bytes.tif", (GREYS * 255).astype(np.int32)),
        ("whole numbers like words.tif", (GREYS * 65535).astype(np.int32)),
        ("large whole numbers.tif", (GREYS * 1_000_000).astype(np.int32)),
        ("floats to one.tif", GREYS.astype(np.float32)),
        ("floats like bytes.tif", (GREYS * 255).astype(np.float32)),
        ("large floats.tif", (GREYS * 1e9).astype(np.float32)),
    ],
)
def test_deep_greyscale_keeps_its_range(make_job: MakeJob, settings: Settings, name: str, values: np.ndarray) -> None:
    image = loaded(make_job(name, Image.fromarray(values)), settings)
    assert image.mode == "RGB"
    assert np.allclose(np.asarray(image)[..., 0], GREYS * 255, atol=1.01)


def test_floats_that_are_no_numbers_come_out_black(make_job: MakeJob, settings: Settings) -> None:
    values = np.array([[np.nan, np.inf], [-5.0, 1.0]], dtype=np.float32)
    image = loaded(make_job("strange.tif", Image.fromarray(values)), settings)
    assert np.asarray(image)[..., 0].tolist() == [[0, 0], [0, 255]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_comes_out_white(make_job: MakeJob, settings: Settings, mode: str) -> None:
    clear = Image.new(mode, (10, 10))
    image = loaded(make_job("clear.png", clear), settings)
    assert image.getpixel((5, 5)) == (255, 255, 255)


def test_a_transparent_palette_entry_comes_out_white(make_job: MakeJob, settings: Settings) -> None:
    picture = Image.new("P", (10, 10), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    image = loaded(make_job("palette.png", picture, transparency=0), settings)
    assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["animated.gif", "animated.png", "animated.webp", "pages.tif"])
def test_an_animation_comes_out_as_its_first_frame(
    make_job: MakeJob, settings: Settings, photo: Image.Image, name: str
) -> None:
    black = Image.new("RGB", photo.size)
    job = make_job(name, photo, save_all=True, append_images=[black, black])
    assert_lies_right(loaded(job, settings))


def test_an_embedded_profile_is_honoured_and_a_broken_one_ignored(make_job: MakeJob, settings: Settings) -> None:
    srgb = profile("sRGB").tobytes()
    assert_lies_right(loaded(make_job("srgb.jpg", icc_profile=srgb), settings))
    assert_lies_right(loaded(make_job("broken.jpg", icc_profile=b"no profile"), settings))
    grey = Image.new("L", (10, 10), 128)  # a profile for colours on a picture without
    assert loaded(make_job("grey.png", grey, icc_profile=srgb), settings).getpixel((5, 5)) == (128,) * 3
    lab = profile("LAB").tobytes()  # a profile that does not fit
    assert_lies_right(loaded(make_job("lab.jpg", icc_profile=lab), settings))


def test_a_large_jpeg_is_decoded_small_and_still_has_detail_to_spare(
    make_job: MakeJob, settings: Settings, photo: Image.Image
) -> None:
    image = loaded(make_job("large.jpg", photo.resize((1600, 1200))), settings)
    assert image.size == (200, 150)  # an eighth, and three times the thumbnail
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = photo.resize((1600, 1200)).transpose(Image.Transpose.ROTATE_90)
    assert_lies_right(loaded(make_job("lying.jpg", lying, exif=exif), settings))


def test_what_is_no_picture_is_refused_in_words(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "diary.jpg"
    path.write_text("Dear diary")
    with pytest.raises(UnreadableError, match="not a picture in a format that can be read"):
        load(Job(1, path), settings)
    path.write_bytes(b"")
    with pytest.raises(UnreadableError, match="the file is empty"):
        load(Job(1, path), settings)
    with pytest.raises(UnreadableError, match="not a regular file"):
        load(Job(1, tmp_path), settings)
    with pytest.raises(FileNotFoundError):
        load(Job(1, tmp_path / "gone.jpg"), settings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_does_not_block(tmp_path: Path, settings: Settings) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadableError, match="not a regular file"):
        load(Job(1, tmp_path / "pipe.jpg"), settings)


@pytest.mark.parametrize("limit", [1000, 6000], ids=["above twice the limit", "above the limit"])
def test_a_decompression_bomb_is_refused_in_words(
    make_job: MakeJob, settings: Settings, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    job = make_job("bomb.png")  # 9600 pixels; above the limit is a warning, which the tests make an error
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UnreadableError, match="too many pixels"):
        load(job, settings)


def test_a_file_of_a_format_that_is_not_for_photographs_is_refused(make_job: MakeJob, settings: Settings) -> None:
    job = make_job("drawing.eps")
    renamed = job.path.rename(job.path.with_name("drawing.jpg"))
    with pytest.raises(UnreadableError, match="not a picture"):
        load(Job(1, renamed), settings)
