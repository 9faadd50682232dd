"""A dashboard as somebody at a screen sees it."""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser import window

WIDTH = 1500
CHART = "[data-test=chart-grid-component]"
TILE = "[data-test-viz-type=pop_kpi], [data-test-viz-type=big_number_total]"
BUSY = f"{CHART} [data-test=loading-indicator], {CHART} .loading"
ERROR = f"{CHART} .ant-alert-error, {CHART} [role=alert]"

_DRAWN = f"""[...document.querySelectorAll('{CHART}')].every(
  chart => chart.querySelector('[data-test=slice-container] *, .ant-alert, .ant-empty'))"""


def signed_in(browser: Browser, site, user: str) -> Page:
    """A page of a browser that has just signed in."""
    page = window(browser, viewport={"width": WIDTH, "height": 1000})
    page.goto(f"{site.url}/login/", wait_until="networkidle")
    page.fill("#username, input[name=username]", user)
    page.fill("input[type=password]", site.password(user))
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_url(re.compile(r"/superset/welcome|/dashboard"))  # loaded, before anything else is opened
    return page


def open_dashboard(page: Page, site, slug: str) -> None:
    """Open it as high as it is, so that nothing waits to be scrolled to, and wait until all is drawn."""
    page.set_viewport_size({"width": WIDTH, "height": 4000})
    page.goto(f"{site.url}/superset/dashboard/{slug}/")
    try:
        page.wait_for_selector(CHART, timeout=60_000)
    except PlaywrightTimeout:  # once in some hundred pages Superset's script starts and asks for nothing
        print(f"{slug} came empty and is loaded again: {page.inner_text('body')[:500]!r}")
        page.reload()
        page.wait_for_selector(CHART)
    wait_until_drawn(page)


def wait_until_drawn(page: Page, seconds: int = 240) -> None:
    """Until no chart has been busy for a moment."""
    deadline, quiet = time.monotonic() + seconds, 0
    while quiet < 4:
        assert time.monotonic() < deadline, "charts are still being drawn"
        quiet = quiet + 1 if page.evaluate(_DRAWN) and not page.locator(BUSY).count() else 0
        page.wait_for_timeout(250)


def picture(page: Page, path: Path) -> None:
    """All of the dashboard, without the empty space below."""
    bottom = page.evaluate(
        f"Math.max(...[...document.querySelectorAll('{CHART}, .dashboard-markdown')]"
        ".map(e => e.getBoundingClientRect().bottom)) + window.scrollY"
    )
    page.set_viewport_size({"width": WIDTH, "height": int(bottom) + 24})
    wait_until_drawn(page)
    page.wait_for_timeout(800)  # charts settle with a short animation
    page.screenshot(path=path)


def tiles(page: Page) -> dict[str, str]:
    """The number that each tile shows, by its title."""
    texts = page.evaluate(
        f"[...document.querySelectorAll('{TILE}')]"
        ".map(e => [e.getAttribute('data-test-chart-name'),"
        " e.querySelector('[data-test=slice-container]')?.innerText.trim() || ''])"
    )
    return {title: re.split(r"[\s↑↓]", text, maxsplit=1)[0] for title, text in texts}


def choose(page: Page, label: str, value: str) -> None:
    """Pick a value of a dashboard filter and apply it."""
    box = page.locator("[data-test=form-item-value]", has=page.get_by_role("combobox", name=label)).first
    if not box.count():
        box = page.get_by_role("combobox", name=label)
    box.click()
    page.locator(f".ant-select-item-option[title='{value}']").first.click()
    page.keyboard.press("Escape")
    page.locator("[data-test=filter-bar__apply-button]").click()
    page.wait_for_timeout(500)
    wait_until_drawn(page)
