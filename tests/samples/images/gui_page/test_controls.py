"""Controls: what they say, when they can be used, and with the keyboard alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import Program, paint

pytestmark = pytest.mark.browser
TAB, ENTER, ESCAPE, RIGHT, SPACE = "\ue004", "\ue007", "\ue00c", "\ue014", " "


@pytest.mark.parametrize("field", ["governor", "filters", "workers", "repeat", "limit", "layers", "concurrency"])
def test_a_zero_gets_a_message_at_its_control(page: Page, field: str) -> None:
    page.fill(field, 0)
    page.wait("it is marked", lambda: page.element(field).get_attribute("aria-invalid") == "true")
    assert page.text(f"{field}-problem")
    assert f"{field}-problem" in (page.element(field).get_attribute("aria-describedby") or "")
    page.fill(field, 1)
    page.wait("it is right", lambda: page.element(field).get_attribute("aria-invalid") is None)
    assert page.text(f"{field}-problem") == ""


def test_a_start_with_a_bad_value_moves_the_focus_to_it(page: Page) -> None:
    page.fill("governor", "")
    page.click("start")
    page.wait("the focus is there", lambda: page.focused == "governor")
    assert page.status == "idle"
    assert page.text("governor-problem")


OPEN_SETTINGS = """
const settings = document.getElementById("settings"), were_open = settings.open;
settings.open = true;
return were_open;
"""


def fills(page: Page, typed: str) -> bool:
    """Open the settings and fill in a field, unless the page closes them meanwhile, because it gets narrow."""
    from selenium.common.exceptions import ElementNotInteractableException

    was_open = page.js(OPEN_SETTINGS)
    try:
        page.fill("repeat", typed)
    except ElementNotInteractableException:
        return False
    return bool(was_open)


@pytest.mark.parametrize("size", [(1280, 720), (420, 740)])
@pytest.mark.parametrize(
    ("typed", "text"), [("0", "0 is not allowed"), ("", "The field is empty"), ("e", "This is not")]
)
def test_a_field_that_is_wrong_is_visible_and_says_what_is_wrong(
    page: Page, size: tuple[int, int], typed: str, text: str
) -> None:
    page.look_like(*size)
    page.wait("the field can be filled in", lambda: fills(page, typed))
    page.js("document.querySelector('.controls').scrollTo(0, 0); scrollTo(0, 0)")
    page.click("start")
    page.wait("it is refused", lambda: page.text("problem").startswith(f"Not started. Repeat: {text}"))
    page.wait("the focus is there", lambda: page.focused == "repeat")
    assert page.text("repeat-problem").startswith(text)
    assert page.text("repeat-problem").endswith("expected a whole number from 1 to 10000")
    for id in ("repeat", "repeat-problem"):
        assert page.js(
            """const one = document.getElementById(arguments[0]);
            const box = one.getBoundingClientRect();
            const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            return one === top || one.contains(top);""",
            id,
        )


def test_a_field_that_does_not_matter_cannot_be_wrong(page: Page) -> None:
    page.fill("workers", "")
    page.click("model")
    for phase in ("load", "scale", "noise", "output"):
        page.fill(f"time-{phase}", 1)
    page.fill("limit", 2)
    page.run()
    assert page.number("figure-images") == 2


@pytest.mark.parametrize("folder", ["not there", "empty", "../.."])
def test_a_folder_that_will_not_do_gets_a_message(page: Page, start: Path, folder: str) -> None:
    (start / "empty").mkdir()
    page.choose_radio("source", "folder")
    page.fill("folder", folder)
    page.click("start")
    page.wait("there is a message", lambda: page.text("folder-problem"))
    assert page.status == "idle"
    assert page.number("figure-images") in (-1, 0)


def test_a_folder_can_be_chosen_from_the_list(page: Page, start: Path) -> None:
    paint(start / "trips" / "north", 3)
    page.driver.refresh()
    page.wait_for_status("idle")
    page.choose_radio("source", "folder")
    for name in ("trips", "north"):
        selector = f"#folder-list button[aria-label='Folder {name}']"
        page.wait(f"{name} is in the list", partial(page.driver.find_elements, "css selector", selector))
        page.driver.find_element("css selector", selector).click()
    page.wait("its pictures are counted", lambda: page.text("folder-help").startswith("3 pictures"))
    assert page.js("return document.getElementById('folder').value") == "trips/north"
    page.run()
    assert page.number("figure-images") == 3


def test_presets_set_controls_and_say_what_they_show(page: Page) -> None:
    presets = page.js("return [...document.getElementById('preset').options].map(o => o.value).filter(Boolean)")
    assert presets
    helps = set[str]()
    for preset in presets:
        page.choose("preset", preset)
        helps.add(page.text("preset-help"))
    assert len(helps) == len(presets)
    page.wait("all is right", lambda: not page.driver.find_elements("css selector", "[aria-invalid=true]"))


def test_the_keyboard_alone_is_enough(page: Page, start: Path) -> None:
    paint(start / "pictures", 8, bad=(2,))
    page.set_form("pictures", endless=True)
    page.js("document.activeElement.blur()")
    order = list[str]()
    while "start" not in order:
        page.keys(TAB)
        order.append(page.focused)
        assert len(order) < 20, order
    page.keys(ENTER)
    page.wait_for_status("running")
    page.wait("the focus is on Stop", lambda: page.focused == "stop")
    page.wait("the error box is open", lambda: page.element("errors").is_displayed())
    page.keys(ESCAPE)
    page.wait("more errors may open it again", lambda: page.status == "running")
    page.keys(SPACE)
    page.wait_for_status("idle")
    page.wait("the focus is on Start", lambda: page.focused == "start")
    page.keys(ESCAPE)
    assert not page.element("errors").is_displayed()


def test_letters_are_shortcuts_unless_somebody_types(page: Page, start: Path) -> None:
    paint(start / "pictures", 8)
    page.set_form("pictures", endless=True)
    page.fill("folder", "sxc")
    assert page.status == "idle"
    page.fill("folder", "pictures")
    page.js("document.activeElement.blur()")
    page.keys("p")
    assert page.element("hold").get_attribute("aria-pressed") == "true"
    page.keys("p", "s")
    page.wait_for_status("running")
    page.keys("x")
    page.wait_for_status("idle")
    size = page.js("return document.documentElement.dataset.size")
    page.keys("+")
    assert page.js("return document.documentElement.dataset.size") != size
    page.keys("-")


def test_shortcuts_are_shown_and_can_be_turned_off(page: Page) -> None:
    page.click("show-keys")
    assert page.element("keys").is_displayed()
    page.click("use-keys")
    page.js("document.activeElement.blur()")
    page.keys("p")
    assert page.element("hold").get_attribute("aria-pressed") == "false"
    page.click("use-keys")
    page.js("document.activeElement.blur()")
    page.keys("p")
    assert page.element("hold").get_attribute("aria-pressed") == "true"
    page.keys(ESCAPE)
    assert not page.element("keys").is_displayed()


def test_a_mode_is_chosen_with_the_arrows(page: Page) -> None:
    page.js("document.querySelector('input[name=mode]:checked').focus()")
    page.keys(RIGHT)
    assert page.js("return document.querySelector('input[name=mode]:checked').value") == "load-balanced"


def test_everything_that_can_be_used_has_a_name_and_what_is_referred_to_is_there(page: Page) -> None:
    nameless = page.js(
        """return [...document.querySelectorAll("button, input, select, canvas")].filter((one) => {
            const label = one.labels?.length ? [...one.labels].map(l => l.textContent).join("") : "";
            return !(label + one.textContent + (one.getAttribute("aria-label") ?? "")).trim();
        }).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    dangling = page.js(
        """const names = ["aria-describedby", "aria-labelledby", "aria-controls"];
        return [...document.querySelectorAll("*")].flatMap((one) => names.flatMap((name) =>
            (one.getAttribute(name) ?? "").split(" ").filter((id) => id && !document.getElementById(id))))"""
    )
    assert dangling == []


def test_quit_ends_the_program_and_the_page_says_so(page: Page, penstock: Program) -> None:
    page.click("quit")
    assert penstock.wait() == 0
    page.wait_for_status("ended")
    assert page.element("ended").is_displayed()
    assert page.focused == "again"


def test_the_page_says_so_when_the_program_is_no_more(page: Page, penstock: Program) -> None:
    page.record_texts("status-text")
    penstock.process.kill()
    page.wait_for_status("ended")
    assert not page.enabled("start")
    assert "The connection is lost; trying again …" in page.said


def test_a_second_page_looks_on_until_the_first_is_closed(page: Page, penstock: Program, start: Path) -> None:
    paint(start / "pictures", 8)
    page.set_form("pictures", endless=True)
    page.click("start")
    page.wait("it runs", lambda: page.sequence > 0)
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.look_like(1280, 800)
    page.driver.get(penstock.address)
    page.wait_for_status("running")
    page.wait("it sees the pictures too", lambda: page.sequence > 0)
    assert page.element("role-note").is_displayed()
    assert not page.enabled("stop")
    assert not page.enabled("quit")
    second = page.driver.current_window_handle
    page.driver.switch_to.window(first)
    page.driver.close()
    page.driver.switch_to.window(second)
    page.wait("it steers", lambda: page.enabled("stop"))
    assert not page.element("role-note").is_displayed()
    page.click("stop")
    page.wait_for_status("idle")


def test_the_last_page_takes_the_program_with_it(page: Page, penstock: Program) -> None:
    page.driver.get("about:blank")
    assert penstock.wait() == 0
