"""Debian's Chromium without a window, for tests: a client of its DevTools protocol, on pipes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolchain import programs

_PATIENCE_S = 60
_FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu"),
    *("--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage"),
    "--hide-scrollbars",
)


class Fault(Exception):
    """What the browser, or a script in it, has refused."""


class Tab:
    """A tab of a browser of its own. `console`: what pages complained about; `requests`: the
    addresses that they asked for."""

    def __init__(self, folder: Path) -> None:
        """folder: for the browser's profile. Raises Unavailable, with the remedy."""
        programs.require("chromium")
        self.console: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._rest = b""
        self._session: dict[str, str] = {}
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # Its pipes are its file descriptors 3 and 4. The sandbox needs what root, and a container,
        # may not have; the pages are the tests' own.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        command = [
            programs.which("chromium"),
            *_FLAGS,
            f"--user-data-dir={folder}",
            "--no-sandbox",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(to_browser, from_browser),
            env={**programs.ENVIRONMENT, "HOME": str(folder)},
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            how = {"targetId": target, "flatten": True}
            self._session = {"sessionId": self.call("Target.attachToTarget", **how)["sessionId"]}
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._session = {}
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol; its result. Raises Fault."""
        self._number += 1
        call = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._out, json.dumps(call).encode() + b"\0")
        for message in self._messages():
            if message.get("id") == self._number:
                if "error" in message:
                    raise Fault(f"{method}: {message['error']}")
                return message["result"]
        raise AssertionError

    def open(self, path: Path) -> None:
        """Open a file, and wait until it is there."""
        self.call("Page.navigate", url=path.as_uri())
        for message in self._messages():
            if message.get("method") == "Page.loadEventFired":
                return

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript, in the page. Raises Fault."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Fault(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def point(self, selector: str, click: bool = False) -> None:
        """Move the pointer over the middle of the first element that a selector finds."""
        x, y = self._middle(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if click:
            how = {"x": x, "y": y, "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type="mousePressed", **how)
            self.call("Input.dispatchMouseEvent", type="mouseReleased", **how)

    def tap(self, selector: str) -> None:
        """Touch the middle of an element with a finger."""
        x, y = self._middle(selector)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def _middle(self, selector: str) -> tuple[float, float]:
        # Of an element, which is scrolled to.
        find = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{find}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = f"(r => [r.x + r.width / 2, r.y + r.height / 2])({find}.getBoundingClientRect())"
        x, y = self.run(box)
        return x, y

    def press(self, key: str, code: int) -> None:
        """Press a key. code: its Windows key code."""
        text = {"text": "\r"} if key == "Enter" else {}
        how = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **how, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **how)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def screen(
        self, width: int, height: int, *, scheme: str = "light", phone: bool = False
    ) -> None:
        """The size of the window in CSS pixels, and what the user prefers, light or dark."""
        how = {"width": width, "height": height, "deviceScaleFactor": 1 + phone, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **how)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, path: Path) -> None:
        """What the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _messages(self) -> Iterator[dict[str, Any]]:
        # What comes from the browser, as long as it is asked for.
        end = time.monotonic() + _PATIENCE_S
        while True:
            while b"\0" in self._rest:
                line, self._rest = self._rest.split(b"\0", 1)
                message = json.loads(line)
                self._note(message.get("method"), message.get("params", {}))
                yield message
            ready, _, _ = select.select([self._in], [], [], max(0, end - time.monotonic()))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise Fault(f"Chromium has {'gone' if ready else 'not answered'}")
            self._rest += data

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(str(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.console.append(str(params["exceptionDetails"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
