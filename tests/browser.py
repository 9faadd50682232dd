"""A real headless Chromium for tests of pages: the system's own, else the one that Playwright downloaded.

Never skipped: a test on a machine without either fails, and the message says what to run.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

PATIENCE_MS = 120_000  # a wait ends as soon as it is over; only a machine that is busy needs this long
INSTALL = "sudo .venv/bin/python -m playwright install --with-deps chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class BrowserMissingError(RuntimeError):
    """No Chromium starts on this machine. The message names the command that installs one."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that closes with the block. Raises BrowserMissingError."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        try:
            yield browser
        finally:
            browser.close()


def _launch(playwright: Playwright) -> Browser:
    """`--no-sandbox`: CI runs as root inside its own container."""
    system = filter(None, map(shutil.which, _NAMES))
    for path in (*system, None):
        try:
            return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except PlaywrightError as error:
            cause = str(error).splitlines()[0].removesuffix(".")
    raise BrowserMissingError(f"No Chromium starts ({cause}). Run: {INSTALL}")


def window(browser: Browser, **options: object) -> Page:
    """A page in a context of its own, patient with a machine that is busy."""
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    return page
