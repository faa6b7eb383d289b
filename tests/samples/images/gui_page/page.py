"""The page as a user sees and uses it: by clicks, by keys, by looking. Waits are for conditions, never for a time.

A wait asks from time to time, so it must be for something that stays: a run may be over before it is asked for. What
may pass is recorded by the page itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from penstock.blocks.charts.colours import item_colour

__all__ = ["Page"]

_PATIENCE = 90  # seconds, on a busy machine
_RECORD_TEXTS = """
const one = document.getElementById(arguments[0]);
window.said = [];
new MutationObserver(() => window.said.push(one.textContent)).observe(one, {childList: true});
"""
_RECORD_PICTURES = """
window.shown = [];
const figure = document.getElementById("slideshow");
new MutationObserver(() => window.shown.push([Number(figure.dataset.run), Number(figure.dataset.sequence)]))
    .observe(figure, {attributes: true, attributeFilter: ["data-sequence"]});
"""


@attrs.frozen
class Page:
    """One window of the browser.

    Args:
        driver: Selenium's `Chrome`, whose types are full of gaps.
    """

    driver: Any

    def open(self, address: str, status: str = "idle") -> Page:
        """Go to an address and wait until the program has answered."""
        self.driver.get(address)
        self.wait_for_status(status)
        return self

    # Looking

    def js(self, body: str, *arguments: object) -> Any:
        """Return what a piece of JavaScript returns."""
        return self.driver.execute_script(body, *arguments)

    def module(self, name: str, expression: str) -> Any:
        """Return what an expression gives that uses `m`, a module of the page."""
        imported = f"import('./page/{name}').then((m) => done({expression}), (e) => done(String(e)))"
        return self.driver.execute_async_script(f"const done = arguments[0]; {imported}")

    def wait(self, what: str, is_so: Callable[[], Any]) -> Any:
        """Wait until something is so; return what it gave."""
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        try:
            return WebDriverWait(self.driver, _PATIENCE, 0.05).until(lambda _: is_so())
        except TimeoutException:
            said = f"the page says {self.status!r}: {self.text('status-text')!r}"
            raise AssertionError(f"waited in vain until {what}; {said}") from None

    def wait_for_status(self, status: str) -> None:
        """Wait until the page shows that the program does this, which must not end by itself."""
        self.wait(f"the status is {status}", lambda: self.status == status)

    def element(self, id: str) -> Any:
        """The element with this id."""
        return self.driver.find_element("id", id)

    def text(self, id: str) -> str:
        """What an element says, seen or not."""
        return str(self.js("return document.getElementById(arguments[0]).textContent", id)).strip()

    def number(self, id: str) -> float:
        """The number that an element shows; -1 for a dash."""
        text = self.text(id).replace(",", "")
        return -1.0 if text == "–" else float(text)

    @property
    def status(self) -> str:
        """What the program does, as the page shows it."""
        return str(self.js("return document.body?.dataset.status ?? ''"))

    @property
    def sequence(self) -> int:
        """The number of the picture that is shown; 0 for none."""
        return int(self.js("return Number(document.getElementById('slideshow').dataset.sequence ?? 0)"))

    @property
    def picture(self) -> tuple[int, tuple[int, ...]]:
        """The number of the picture that is shown, and the colour in the middle of it, at one moment."""
        number, colour = self.js(
            """const canvas = document.getElementById("picture");
            const middle = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
            return [Number(document.getElementById("slideshow").dataset.sequence), [...middle].slice(0, 3)];"""
        )
        return int(number), tuple(colour)

    def record_pictures(self) -> None:
        """Keep from now on which pictures are shown."""
        self.js(_RECORD_PICTURES)

    @property
    def shown(self) -> list[tuple[int, int]]:
        """Run and number of the pictures that were shown since `record_pictures`."""
        return [(run, sequence) for run, sequence in self.js("return window.shown")]

    def record_texts(self, id: str) -> None:
        """Keep from now on what an element says."""
        self.js(_RECORD_TEXTS, id)

    @property
    def said(self) -> list[str]:
        """What the element has said since `record_texts`."""
        return list(self.js("return window.said"))

    def bars(self, images: int) -> list[int]:
        """Which of the first images have a bar in the diagram: their colours are looked for on the canvas."""
        colours = [item_colour(number) for number in range(1, images + 1)]
        found = self.js(
            """const canvas = document.getElementById("diagram");
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Map();
            for (let i = 0; i < data.length; i += 4) {
                const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
                seen.set(colour, (seen.get(colour) ?? 0) + 1);
            }
            return arguments[0].map((colour) => seen.get(parseInt(colour.slice(1), 16)) ?? 0);""",
            colours,
        )
        return [number for number, pixels in enumerate(found, 1) if pixels > 8]

    def enabled(self, id: str) -> bool:
        """Whether a control can be used."""
        return bool(self.element(id).is_enabled())

    @property
    def focused(self) -> str:
        """The id of what has the focus."""
        return str(self.js("return document.activeElement.id"))

    def complaints(self) -> list[str]:
        """What the browser has said in its console since the last time, but for failed requests."""
        log: list[dict[str, Any]] = self.driver.get_log("browser")
        return [one["message"] for one in log if one["level"] == "SEVERE" and one["source"] != "network"]

    # Doing

    def click(self, id: str) -> None:
        """Click on something, as soon as it can be used."""
        self.wait(f"{id} can be used", lambda: self.enabled(id))
        self.js("document.getElementById(arguments[0]).scrollIntoView({block: 'center'})", id)
        self.element(id).click()

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def fill(self, id: str, value: object) -> None:
        """Type something into a field in place of what is there."""
        from selenium.webdriver.common.keys import Keys

        field = self.element(id)
        self.js("arguments[0].scrollIntoView({block: 'center'})", field)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(str(value) or Keys.DELETE)

    def choose(self, id: str, value: str) -> None:
        """Choose from a list."""
        from selenium.webdriver.support.ui import Select

        Select(self.element(id)).select_by_value(value)

    def choose_radio(self, name: str, value: str) -> None:
        """Choose one of several."""
        button = self.driver.find_element("css selector", f"input[name={name}][value='{value}']")
        self.js("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()

    def set_form(
        self, folder: str | None = None, mode: str = "data-flow", *, endless: bool = False, **fields: object
    ) -> None:
        """Fill in the controls; `folder` is below the start folder, None for painted pictures."""
        self.choose_radio("mode", mode)
        self.choose_radio("source", "painted" if folder is None else "folder")
        if folder is not None:
            self.fill("folder", folder)
        for id, value in fields.items():
            self.fill(id, value)
        if self.element("endless").is_selected() != endless:
            self.click("endless")

    def run(self) -> None:
        """Start by a click, and wait until the run has ended."""
        before = self.run_of_figures()
        self.click("start")
        self.wait("a run has ended", lambda: self.run_of_figures() > before and self.status == "idle")

    def run_of_figures(self) -> int:
        """The run whose figures are shown; 0 for none."""
        return int(self.js("return Number(document.body.dataset.run ?? 0)"))

    @property
    def right_edge(self) -> float:
        """Up to which second the diagram shows the run."""
        return float(self.js("return Number(document.getElementById('diagram').dataset.end ?? 0)"))

    def shows_run_after(self, run: int) -> bool:
        """Whether the picture that is shown is of a later run."""
        return self.run_shown() > run

    def run_shown(self) -> int:
        """The run whose picture is shown; 0 for none."""
        return int(self.js("return Number(document.getElementById('slideshow').dataset.run ?? 0)"))

    def drop_files(self, files: list[Path]) -> None:
        """Drag files over the page and let them go, as the browser itself does it."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 400, "y": 300, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def look_like(self, width: int, height: int, *, dark: bool = False, still: bool = False) -> None:
        """Have a window of this size, and these preferences."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
