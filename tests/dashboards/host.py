"""Somebody else's site that shows a dashboard inside its page, as Superset's embedded SDK does it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.dashboards.site import Site, token

# The SDK's handshake: one end of a channel goes to the frame, the guest's token follows over the other.
_PAGE = """<!doctype html><title>Intranet</title>
<iframe id=board sandbox="allow-same-origin allow-scripts allow-downloads" width=1480 height=3800></iframe>
<script>
const frame = document.getElementById('board');
frame.onload = () => {
  const channel = new MessageChannel();
  frame.contentWindow.postMessage({type: '__embedded_comms__', handshake: 'port transfer'}, ORIGIN,
    [channel.port2]);
  channel.port1.start();
  channel.port1.postMessage({switchboardAction: 'emit', method: 'guestToken', args: {guestToken: TOKEN}});
};
frame.src = FRAME;
</script>"""


def guest_token(site: Site, user: str, slug: str) -> httpx.Response:
    """What the host's page asks the API for, as the person who is signed in there."""
    return httpx.post(
        f"{site.dashboards.api_url}/v1/dashboards/{slug}/guest-token",
        headers={"Authorization": f"Bearer {token(site, user)}"},
        timeout=30,
    )


@contextmanager
def hosting(site: Site, port: int) -> Iterator[dict[str, str]]:
    """Pages by path, served on `port`; add to the dictionary while it runs."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((content or "").encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def page_with(site: Site, guest_answer: dict[str, str]) -> str:
    """The host's page for one guest token's answer."""
    values = {"ORIGIN": site.url, "TOKEN": guest_answer["token"], "FRAME": guest_answer["embed_url"]}
    page = _PAGE
    for name, value in values.items():
        page = page.replace(name, json.dumps(value))
    return page
