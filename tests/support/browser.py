"""A real browser for tests: Debian's chromium, driven over WebDriver, which is HTTP and JSON."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
READY = re.compile(r"started successfully on port (\d+)")
SECONDS = 60
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The driver listens on this machine: a proxy in the environment must not be asked for it."""
TAB, ENTER = "\ue004", "\ue007"


@contextmanager
def browser(profile):
    """Start a browser with a profile in an empty folder; it ends with the block."""
    driver = subprocess.Popen(
        [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        port = next(found[1] for line in driver.stdout if (found := READY.search(line)))
        options = {"binary": CHROMIUM, "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        session = Session(f"http://127.0.0.1:{port}/session", options)
        try:
            yield session
        finally:
            session.end()
    finally:
        driver.terminate()
        driver.wait(SECONDS)
        driver.stdout.close()


class Session:
    """One window."""

    def __init__(self, address, options):
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.address, self.opened = address, 0
        made = self._call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.address = f"{address}/{made['sessionId']}"

    def open(self, path):
        """Open a page and wait for all of it.

        Its address is new each time: on a busy machine, the driver takes the page that is there
        for the loaded one where only the file behind the address has changed.
        """
        self.opened += 1
        self._call("POST", "/url", {"url": f"{path.as_uri()}?{self.opened}"})
        while self.run("return document.readyState") != "complete":
            time.sleep(0.01)

    def run(self, script, *arguments):
        """Run a script and return what it returns; a page's policy does not bind the driver."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector):
        self._call("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector, text):
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Press keys one after the other, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        self._call("POST", "/actions", {"actions": [keyboard]})

    def console(self):
        """Return what the console got since the last time, a refusal by the policy included."""
        return self._call("POST", "/se/log", {"type": "browser"})

    def tell(self, command, **parameters):
        """Send a command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height):
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip

    def prefer(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tell("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path, **parameters):
        found = self.tell("Page.captureScreenshot", format="png", **parameters)
        path.write_bytes(base64.b64decode(found["data"]))

    def pdf(self):
        return base64.b64decode(self.tell("Page.printToPDF", printBackground=True)["data"])

    def end(self):
        self._call("DELETE", "")

    def _find(self, selector):
        body = {"using": "css selector", "value": selector}
        return next(iter(self._call("POST", "/element", body).values()))

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data, {"Content-Type": "application/json"}, method=method
        )
        with DIRECT.open(request, timeout=SECONDS) as answer:
            return json.load(answer)["value"]
