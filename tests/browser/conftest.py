"""A real Chromium for the tests of pages, driven through its own debugging pipe.

No driver, no port: commands and events are JSON texts on two file descriptors, each ended by a
zero byte (the browser's `--remote-debugging-pipe`).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--window-size=1280,900", "--remote-debugging-pipe",
)  # fmt: skip
KEYS = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "/": (191, "/"),
    "?": (191, "?"),
    "ArrowRight": (39, ""),
    "ArrowLeft": (37, ""),
}
"""Code and text of a key; letters and digits have their own."""
LIMIT_S = 60


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are above 9, out of the way of 3 and 4."""
    ends = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in ends]
    for fd in ends:
        os.close(fd)
    return high[0], high[1]


class Browser:
    """One page of one Chromium."""

    def __init__(self, binary: str, profile: Path) -> None:
        to_browser, self._write = _pipe()
        self._read, from_browser = _pipe()

        def connect() -> None:  # the browser reads 3 and writes 4
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        self._process = subprocess.Popen(
            [binary, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=connect, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._n = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Take hold of the page that the browser opened with."""
        [target] = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self._media()

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + LIMIT_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self._read, 1 << 20) if ready else b""
            if not piece:
                pytest.fail(
                    f"chromium said nothing for {LIMIT_S} s, or ended ({self._process.poll()})"
                )
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come meanwhile are kept."""
        self._n += 1
        body = {"id": self._n, "method": method, "params": params}
        if self._session:
            body["sessionId"] = self._session
        os.write(self._write, json.dumps(body).encode() + b"\0")
        while (message := self._receive()).get("id") != self._n:
            self.events.append(message)
        assert "error" not in message, message
        return dict(message["result"])

    def open(self, where: Path | str) -> None:
        """Load a file or an address and wait until its script has set up the page."""
        self.events.clear()
        self.call("Page.navigate", url=where.as_uri() if isinstance(where, Path) else where)
        self.wait("document.documentElement?.dataset.ready === 'true'")

    def js(self, expression: str) -> Any:
        """The value of an expression (a promise is awaited)."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + LIMIT_S
        while not self.js(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.02)

    def wait_for(self, test: Callable[[], bool]) -> None:
        """Wait until something outside of the page is true."""
        deadline = time.monotonic() + LIMIT_S
        while not test():
            assert time.monotonic() < deadline, f"never true: {test}"
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """Click in the middle of an element with the mouse."""
        box = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    def press(self, key: str) -> None:
        """Press a key."""
        code, text = KEYS[key] if key in KEYS else (ord(key.upper()), key)
        what = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def write(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    @contextmanager
    def screen(
        self, width: int, height: int = 900, *, mobile: bool = False, theme: str = "light"
    ) -> Iterator[None]:
        """A screen of this size, in CSS pixels, while the block runs."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip
        self._media(theme)
        try:
            yield
        finally:
            self._media()
            self.call("Emulation.clearDeviceMetricsOverride")

    def _media(self, theme: str = "light") -> None:
        """A colour scheme; no smooth scrolling, which would move what a click aims at."""
        wanted = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        self.call("Emulation.setEmulatedMedia", features=features)

    def charts(self) -> int:
        """How many charts are shown; each holds its texts, in letters that can be read."""
        faults = self.js(
            """[...document.querySelectorAll("svg.chart")].filter((s) => s.getBoundingClientRect().width).flatMap((s) => {
              const scale = s.getBoundingClientRect().width / s.viewBox.baseVal.width;
              return [...s.querySelectorAll("text")].filter((t) => {
                const b = t.getBBox(), px = parseFloat(getComputedStyle(t).fontSize) * scale;
                return b.x < -1 || b.x + b.width > s.viewBox.baseVal.width + 1 || px < 10.5;
              }).map((t) => s.getAttribute("aria-label") + ": " + t.textContent);
            })"""
        )
        assert faults == []
        shown = "[...document.querySelectorAll('svg.chart')].filter((s) => s.getBoundingClientRect().width).length"
        return int(self.js(shown))

    def screenshot(self, path: Path) -> None:
        """The visible part of the page, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def said(self, *methods: str) -> list[dict[str, Any]]:
        """The events of these kinds since the page was opened."""
        self.js("0")
        return [e for e in self.events if e.get("method") in methods]

    def close(self) -> None:
        """End the browser."""
        os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium with one page."""
    binary = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if binary is None:
        pytest.skip("no chromium on PATH: install it (apt-get install chromium) to test the pages")
    running = Browser(binary, tmp_path_factory.mktemp("chromium"))
    try:
        running.attach()
        yield running
    finally:
        running.close()
