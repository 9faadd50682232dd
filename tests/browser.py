"""A real headless Chromium for tests of pages: the system's own, else the one Playwright downloaded.

Never skipped: a machine without either fails, and the message says what to install.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

PATIENCE_MS = 120_000  # a wait ends as soon as it is over; only a machine that is busy needs this long
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that closes with the block. `--no-sandbox`: CI runs as root inside its own container."""
    system = next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=system, args=["--no-sandbox"])
        except PlaywrightError as failure:
            pytest.fail(
                "no Chromium: apt-get install chromium, or python -m playwright install chromium"
                f" ({str(failure).splitlines()[0]})"
            )
        try:
            yield browser
        finally:
            browser.close()


def window(browser: Browser, **options: object) -> Page:
    """A page in a context of its own, patient with a machine that is busy."""
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    return page
