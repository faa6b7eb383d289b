"""How the page looks: nothing sticks out at any size, and the picture of the README."""

from __future__ import annotations

import io
import os
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import Program, paint

pytestmark = pytest.mark.browser
SIZES = [(1920, 1080), (1280, 800), (800, 1000), (360, 740)]


def test_nothing_sticks_out_at_any_size(page: Page, start: Path) -> None:
    paint(start / "a folder with a rather long name for such a narrow page", 4, bad=(1,))
    page.set_form("a folder with a rather long name for such a narrow page", "load-balanced")
    page.run()
    for size in SIZES:
        for larger in range(3):
            page.look_like(*size)
            page.js("document.documentElement.dataset.size = arguments[0]", larger)
            wide = page.js("return document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, (size, larger)
            out = page.js(
                """const edge = window.innerWidth + 1;
                return [...document.querySelectorAll("button, input, select, dd, h2, canvas")]
                    .filter((one) => one.getBoundingClientRect().right > edge).map((one) => one.outerHTML);"""
            )
            assert out == [], (size, larger)


def test_dark_and_light_follow_the_system(page: Page) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    page.look_like(1280, 800, dark=True)
    dark = page.js(paper)
    page.look_like(1280, 800)
    assert page.js(paper) != dark


def test_texts_have_contrast(page: Page) -> None:
    """WCAG: 4.5 to 1 for text."""
    for dark in (False, True):
        page.look_like(1280, 800, dark=dark)
        ratios = page.js(
            """const style = getComputedStyle(document.documentElement);
            const light = (name) => {
                const hex = style.getPropertyValue(name).trim().slice(1);
                const [r, g, b] = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
                    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const pairs = [["--text", "--panel"], ["--faint", "--panel"], ["--faint", "--band"], ["--faint", "--paper"],
                ["--bad", "--panel"], ["--slow", "--slow-paper"], ["--on-accent", "--accent"], ["--text", "--soft"]];
            return pairs.map(([a, b]) => {
                const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
                return [`${a} on ${b}`, (x + 0.05) / (y + 0.05)];
            });"""
        )
        assert [pair for pair in ratios if pair[1] < 4.5] == []


def test_nothing_is_in_the_way_of_a_screen_reader(page: Page, start: Path) -> None:
    """As far as axe-core can tell: names, roles, order, contrast."""
    paint(start / "pictures", 4, bad=(1,))
    page.look_like(1280, 800, still=True)
    page.js(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    assert faults(page) == []
    page.set_form("pictures", "load-balanced")
    page.run()
    page.wait("the error is there", lambda: page.element("errors").is_displayed())
    for dark in (False, True):
        page.look_like(1280, 800, dark=dark, still=True)
        assert faults(page) == []
    page.click("close-errors")
    page.fill("folder", "nowhere")
    page.wait("there is a message", lambda: page.text("folder-problem"))
    assert faults(page) == []


TEXTS = """
const seen = (one) => { const box = one.getBoundingClientRect(); return box.width > 2 && box.height > 2; };
const scale = (one) => one.ownerSVGElement ? one.getCTM().a : 1;
return [...document.querySelectorAll("body *")]
    .filter((one) => [...one.childNodes].some((part) => part.nodeType === 3 && part.data.trim()) && seen(one))
    .map((one) => [one.textContent, parseFloat(getComputedStyle(one).fontSize) * scale(one)]);
"""


@pytest.mark.parametrize(
    ("mode", "filters"),
    [
        ("sequential", 1),
        ("control-flow", 4),
        ("data-flow", 4),
        ("load-balanced", 2),
        ("load-balanced", 4),
        ("planned", 4),
    ],
)
def test_the_view_for_a_projector_has_four_things_and_no_small_text(
    page: Page, start: Path, mode: str, filters: int
) -> None:
    paint(start / "pictures", 6)
    page.look_like(1280, 720, still=True)
    page.js(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    page.set_form("pictures", mode, filters=filters)
    page.run()
    page.js("document.activeElement.blur()")
    page.keys("v")
    page.wait("there is room", lambda: page.js("return document.querySelector('.drawing svg') !== null"))
    small = [(text, size) for text, size in page.js(TEXTS) if size < 18]
    assert small == []
    panels = "return [...document.querySelectorAll('.panel')].filter((one) => one.offsetHeight).length"
    assert page.js(panels) == 4
    assert page.js("return [...document.querySelectorAll('.tile')].filter((one) => one.offsetHeight).length") == 4
    fits = "return document.documentElement.scrollHeight <= 720 && document.documentElement.scrollWidth <= 1280"
    page.wait("it fits into the window", lambda: page.js(fits))  # the page finds the size of its text by steps
    if mode == "load-balanced":
        boxes = page.js("return [...document.querySelectorAll('.node .name')].map((one) => one.textContent)")
        assert [name for name in boxes if "Filter" in name] == [f"Filter {number + 1}" for number in range(filters)]
    for dark in (False, True):
        page.look_like(1280, 720, dark=dark, still=True)
        assert faults(page) == []
    page.keys("\ue00c")
    assert page.element("controls").is_displayed()


def test_an_address_can_open_the_view_for_a_projector(page: Page, penstock: Program) -> None:
    page.driver.get("about:blank")
    page.open(f"{penstock.address}#projector")
    assert not page.element("controls").is_displayed()
    page.click("leave-view")
    assert page.element("controls").is_displayed()


def faults(page: Page) -> list[Any]:
    """What axe-core finds wrong."""
    found: list[Any] = page.driver.execute_async_script(
        """const done = arguments[0];
        const said = (one) => [one.id, one.help, ...one.nodes.map((node) => node.html)];
        axe.run().then(({violations}) => done(violations.map(said)), (error) => done([String(error)]));"""
    )
    return found


def test_who_wants_less_motion_sees_the_same_bars(page: Page) -> None:
    page.look_like(1280, 800, still=True)
    page.set_form(limit=15)
    page.run()
    page.wait("there are bars", lambda: len(page.bars(15)) >= 3)


def in_few_colours(screen: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Keep the page's own colours, and those of the noisy picture in it, which would be most of the file, roughly."""
    noisy = screen.crop(box).quantize(56, Image.Quantize.MEDIANCUT)
    rest = screen.copy()
    rest.paste((0, 0, 0), box)
    counted = cast("list[tuple[int, tuple[int, int, int]]]", rest.getcolors(maxcolors=1 << 24))
    common = [part for _, colour in sorted(counted, reverse=True)[:200] for part in colour]
    palette = Image.new("P", (1, 1))
    palette.putpalette(common + (noisy.getpalette() or [])[: 3 * 56])
    return screen.quantize(palette=palette, dither=Image.Dither.NONE)


def test_the_picture_of_the_readme(page: Page, tmp_path: Path) -> None:
    """Made anew with PENSTOCK_SCREENSHOT=docs/images/gui.png."""
    page.look_like(1600, 1240)
    page.choose("preset", "balanced")
    page.click("start")
    page.wait("it is well under way", lambda: page.sequence >= 18)
    target = Path(os.environ.get("PENSTOCK_SCREENSHOT") or tmp_path / "gui.png").absolute()
    with Image.open(io.BytesIO(page.driver.get_screenshot_as_png())) as shot:
        assert shot.size == (1600, 1240)
        picture = shot.convert("RGB")
    box = page.js(
        """const box = document.getElementById("picture").getBoundingClientRect();
        return [box.left, box.top, box.right, box.bottom].map(Math.round);"""
    )
    in_few_colours(picture, tuple(box)).save(target, optimize=True)
    assert 20_000 < target.stat().st_size < 300_000
