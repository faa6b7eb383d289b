"""Loading: everything that is a picture becomes upright RGB; everything else is refused in words."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL import __version__ as pillow

from penstock.samples.images.colour import to_rgb
from penstock.samples.images.load import UnreadableError, load
from penstock.samples.images.record import Job
from penstock.samples.images.settings import Settings

MakeJob = Callable[..., Job]
NEEDS_PILLOW_13 = pytest.mark.skipif(int(pillow.split(".")[0]) < 13, reason="older ones cannot read it")

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


@pytest.mark.parametrize("mode", ["CMYK", pytest.param("YCbCr", marks=NEEDS_PILLOW_13), "LAB"])
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


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "big endian.tif", "whole numbers.tif", "floats.tif"])
def test_fewer_bits_than_the_samples_have_are_told_by_the_largest_value(
    make_job: MakeJob, settings: Settings, name: str, bits: int
) -> None:
    values = np.rint(GREYS * (2**bits - 1))
    kind = {"big endian.tif": ">u2", "whole numbers.tif": "i4", "floats.tif": "f4"}.get(name, "<u2")
    info = load(make_job(name, Image.fromarray(values.astype(kind))), settings)
    assert np.allclose(info.pixels[..., 0], GREYS * 255, atol=1.01)
    assert info.note == f"white is {2**bits - 1}, by the largest value, which is {2**bits - 1}"


@pytest.mark.parametrize(("tag", "value"), [(281, 4095), (341, 4095), (50717, 4095), (281, 2000), (281, 65535)])
def test_a_tiff_that_tells_its_white_is_believed(make_job: MakeJob, settings: Settings, tag: int, value: int) -> None:
    values = (GREYS * 1500).astype(np.uint16)
    info = load(make_job("deep.tif", Image.fromarray(values), tiffinfo={tag: value}), settings)
    assert np.allclose(info.pixels[..., 0], values * 255.0 / value, atol=1.01)
    assert info.note == ("" if value == 65535 else f"white is {value}, as the file says")


def test_a_tiff_that_tells_a_white_below_its_values_is_not_believed(make_job: MakeJob, settings: Settings) -> None:
    values = (GREYS * 4095).astype(np.uint16)
    info = load(make_job("deep.tif", Image.fromarray(values), tiffinfo={281: 255}), settings)
    assert np.allclose(info.pixels[..., 0], GREYS * 255, atol=1.01)


def tiff(entries: list[tuple[int, int, int, int]], data: bytes) -> bytes:
    """A TIFF of one strip; entries are tag, type, count and value, where 273 is given its place."""
    place = 8 + 2 + 12 * len(entries) + 4
    fields = b"".join(
        struct.pack("<HHII", tag, kind, count, place if tag == 273 else value) for tag, kind, count, value in entries
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + bytes(4) + data


def tiff_of_one_channel(bits: int, photometric: int, size: tuple[int, int], data: bytes) -> bytes:
    (width, height), length = size, len(data)
    values = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 0, 277: 1, 278: height, 279: length}
    return tiff([(tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in values.items()], data)


def test_a_tiff_with_samples_of_12_bits_has_its_range(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "packed.tif"
    path.write_bytes(tiff_of_one_channel(12, 1, (4, 2), bytes.fromhex("000fff 7ff800") * 2))
    info = load(Job(1, path), settings)
    assert np.allclose(info.pixels[..., 0], [[0, 255, 127, 127]] * 2, atol=1.01)
    assert info.note == "white is 4095, as the file says"


def test_a_tiff_in_which_zero_is_white_is_turned(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "negative.tif"
    path.write_bytes(tiff_of_one_channel(16, 0, (2, 1), struct.pack("<HH", 0, 65535)))
    assert load(Job(1, path), settings).pixels[..., 0].tolist() == [[255, 0]]


def colours_of_16_bits(values: np.ndarray, colour_type: int = 2) -> bytes:
    """A PNG, as Pillow cannot write it."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("largest", [255, 1023, 4095, 16383, 65535])
@pytest.mark.parametrize("alpha", [False, True])
def test_colours_of_16_bits_keep_their_range(tmp_path: Path, settings: Settings, largest: int, alpha: bool) -> None:
    values = np.rint(np.array([[[0, 0.5, 1], [0.25, 0.125, 0]]]) * largest)
    if alpha:
        values = np.concatenate([values, [[[65535], [0]]]], axis=2)
    path = tmp_path / "deep.png"
    path.write_bytes(colours_of_16_bits(values, 6 if alpha else 2))
    info = load(Job(1, path), settings)
    second = [255, 255, 255] if alpha else [64, 32, 0]
    assert np.allclose(info.pixels, [[[0, 127, 255], second]], atol=1.01)
    assert bool(info.note) == (largest < 65535)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_tiff_with_colours_of_12_bits_in_16_keeps_its_range(
    tmp_path: Path, settings: Settings, order: str, alpha: bool
) -> None:
    channels = 4 if alpha else 3
    data = np.array([0, 2048, 4095, 65535][:channels] * 2, dtype=f"{order}u2").tobytes()
    kinds = {256: 2, 257: 1, 258: 0, 259: 1, 262: 2, 273: 0, 277: channels, 278: 1, 279: len(data)}
    bits = 8 + 2 + 12 * (len(kinds) + alpha) + 4
    entries = [
        (tag, 4 if tag in (273, 279) else 3, channels if tag == 258 else 1, bits if tag == 258 else value)
        for tag, value in kinds.items()
    ]
    if alpha:
        entries.append((338, 3, 1, 2))
    whole = b"MM\0*" if order == ">" else b"II*\0"
    whole += struct.pack(f"{order}IH", 8, len(entries))
    for tag, kind, count, value in entries:
        place = bits + 2 * channels if tag == 273 else value
        packed = struct.pack(f"{order}HH", place, 0) if kind == 3 and count == 1 else struct.pack(f"{order}I", place)
        whole += struct.pack(f"{order}HHI", tag, kind, count) + packed
    whole += bytes(4) + np.array([16] * channels, dtype=f"{order}u2").tobytes() + data
    path = tmp_path / "deep.tif"
    path.write_bytes(whole)
    info = load(Job(1, path), settings)
    assert np.allclose(info.pixels, [[[0, 127, 255]] * 2], atol=1.01)
    assert info.note == "white is 4095, by the largest value, which is 4095"


def test_a_transparent_value_of_16_bits_comes_out_white(make_job: MakeJob, settings: Settings) -> None:
    job = make_job("clear.png", Image.fromarray(np.array([[0, 65535, 300]], dtype=np.uint16)), transparency=300)
    with Image.open(job.path) as picture:
        if "transparency" not in picture.info:
            pytest.skip("this Pillow does not write it")
    assert load(job, settings).pixels[0, :, 0].tolist() == [0, 255, 255]


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


def linear_profile(description: str, gamma: float = 1.0, space: bytes = b"RGB ") -> bytes:
    """A profile with the colours of sRGB and a curve of its own."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def place(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + number(x) + number(y) + number(z)

    text = description.encode() + b"\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": place(0.9642, 1, 0.8249),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {b"rXYZ": place(0.4360, 0.2225, 0.0139), b"gXYZ": place(0.3851, 0.7169, 0.0971)}
        tags |= {b"bXYZ": place(0.1431, 0.0606, 0.7141), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    start, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += padded
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"test", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + number(0.9642) + number(1) + number(0.8249)
    return head.ljust(128, b"\0") + body


@pytest.mark.parametrize("description", ["my linear sRGB", "sRGB IEC61966-2.1", "wide"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_a_profile_counts_by_what_it_does_and_not_by_its_name(
    make_job: MakeJob, settings: Settings, description: str, mode: str
) -> None:
    picture = Image.new("RGB", (20, 10), (55, 55, 55))
    picture = picture.quantize(2) if mode == "P" else picture.convert(mode)
    pixels = load(make_job("linear.png", picture, icc_profile=linear_profile(description)), settings).pixels
    assert np.abs(pixels.astype(int) - 128).max() <= 1


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_counts_with_alpha_and_without(make_job: MakeJob, settings: Settings, mode: str) -> None:
    picture = Image.new("L", (20, 10), 55).convert(mode)
    job = make_job("linear.png", picture, icc_profile=linear_profile("grey", space=b"GRAY"))
    assert np.abs(load(job, settings).pixels.astype(int) - 128).max() <= 1


def test_a_profile_that_does_what_srgb_does_changes_nothing(
    make_job: MakeJob, settings: Settings, photo: Image.Image
) -> None:
    job = make_job("photo.png", photo, icc_profile=profile("sRGB").tobytes().replace(b"sRGB", b"mine"))
    assert (load(job, settings).pixels == np.asarray(photo)).all()


@pytest.mark.parametrize("mode", Image.MODES)
def test_every_mode_that_pillow_has_becomes_rgb(mode: str) -> None:
    assert to_rgb(Image.new(mode, (3, 2))).mode == "RGB"


@pytest.mark.parametrize("name", ["La", "RGBa"])
def test_premultiplied_alpha_is_taken_out(name: str) -> None:
    whole = Image.new("LA" if name == "La" else "RGBA", (3, 2), (100, 200) if name == "La" else (100, 100, 100, 200))
    assert to_rgb(whole.convert(name)).getpixel((1, 1)) == pytest.approx((133,) * 3, abs=1)


@NEEDS_PILLOW_13
def test_a_tiff_of_grey_with_premultiplied_alpha_is_loaded(tmp_path: Path, settings: Settings) -> None:
    entries = {256: 4, 257: 4, 258: 8 | 8 << 16, 259: 1, 262: 1, 273: 0, 277: 2, 278: 4, 279: 32, 338: 1}
    fields = [(t, 4 if t in (273, 279) else 3, 2 if t == 258 else 1, value) for t, value in entries.items()]
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(fields, bytes([100, 200]) * 16))
    assert np.abs(load(Job(1, path), settings).pixels.astype(int) - 155).max() <= 1  # 100 of grey, 55 of white


def test_a_large_jpeg_is_decoded_small_and_still_has_detail_to_spare(
    make_job: MakeJob, settings: Settings, photo: Image.Image
) -> None:
    image = loaded(make_job("large.jpg", photo.resize((1600, 1200))), settings)
    assert image.size == (200, 150)  # an eighth, and three times the thumbnail
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = photo.resize((1600, 1200)).transpose(Image.Transpose.ROTATE_90)
    assert_lies_right(loaded(make_job("lying.jpg", lying, exif=exif), settings))


@pytest.mark.parametrize(
    ("name", "reason"), [("a.heic", "try pip install 'penstock[heic]'"), ("a.CR3", "raw data of a camera are not read")]
)
def test_what_could_be_done_about_a_file_is_said(
    name: str, reason: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    path = tmp_path / name
    path.write_bytes(b"\0\0\0\x18ftyp")
    with pytest.raises(UnreadableError, match=re.escape(f"not a picture in a format that can be read ({reason})")):
        load(Job(1, path), settings)
    monkeypatch.setitem(Image.OPEN, "HEIF", Image.OPEN["PNG"])  # the extra is installed, and the file is damaged
    with pytest.raises(UnreadableError) as caught:
        load(Job(1, path), settings)
    assert "penstock[heic]" not in str(caught.value)


def test_the_preview_in_raw_data_of_a_camera_is_not_taken_for_the_picture(
    photo: Image.Image, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "a.NEF"
    photo.save(path, "TIFF")
    with pytest.raises(UnreadableError, match="raw data of a camera are not read"):
        load(Job(1, path), settings)
    photo.save(path, "PNG")
    load(Job(1, path), settings)  # it only has an odd name


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
