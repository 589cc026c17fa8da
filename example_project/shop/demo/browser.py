"""Browsers that talk to the shop as servers do: through Django's WSGI and ASGI handlers."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.util import setup_testing_defaults

from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from .recorder import Recorder

HOST = "testserver"
PATIENCE = 30
"""Seconds to wait for an answer under ASGI."""


@dataclass(frozen=True)
class Page:
    """What came back."""

    status: int
    text: str
    location: str | None = None

    def __str__(self) -> str:
        return f"→ {self.status}" + (f" to {self.location}" if self.location else "")


class Browser:
    """One visitor: keeps cookies, sends forms with their CSRF token, follows no redirects."""

    def __init__(self, recorder: Recorder, wsgi: WSGIHandler, name: str = "") -> None:
        """Open a browser.

        Args:
            recorder: told of every request.
            wsgi: the handler that answers.
            name: who sits in front of it.
        """
        self._recorder = recorder
        self._wsgi = wsgi
        self._who = f"{name}: " if name else ""
        self._cookies: SimpleCookie = SimpleCookie()

    def get(self, url: str) -> Page:
        """Ask for a page through the WSGI handler."""
        return self._request("GET", url)

    def post(self, url: str, **form: Any) -> Page:
        """Send a form through the WSGI handler. A page must have set the CSRF cookie before."""
        token = self._cookies["csrftoken"].value if "csrftoken" in self._cookies else ""
        body = urlencode({**form, "csrfmiddlewaretoken": token}, doseq=True).encode()
        return self._request("POST", url, body)

    def get_async(self, url: str) -> Page:
        """Ask for a page through the ASGI handler."""
        deed = self._recorder.did(f"{self._who}GET {url}  (ASGI)")
        page = async_to_sync(self._ask_asgi)(url)
        deed.result, deed.status = str(page), page.status
        return page

    def _request(self, method: str, url: str, body: bytes = b"") -> Page:
        deed = self._recorder.did(f"{self._who}{method} {url}")
        page = self._ask_wsgi(method, url, body)
        deed.result, deed.status = str(page), page.status
        return page

    def _ask_wsgi(self, method: str, url: str, body: bytes) -> Page:
        parts = urlsplit(url)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "HTTP_HOST": HOST,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_COOKIE": self._cookie_header(),
            "wsgi.input": io.BytesIO(body),
        }
        if method == "POST":
            environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
            environ["CONTENT_LENGTH"] = str(len(body))
        setup_testing_defaults(environ)
        started: list[tuple[str, list[tuple[str, str]]]] = []
        body_parts: list[bytes] = []  # the old way of WSGI to write; Django does not use it

        def start_response(
            status: str, headers: list[tuple[str, str]], error: Any = None, /
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return body_parts.append

        response = self._wsgi(environ, start_response)
        try:
            text = b"".join(response).decode()
        finally:
            # A server must close a response; that is what ends the request.
            response.close()
        status, headers = started[0]
        return self._page(int(status.split()[0]), headers, text)

    async def _ask_asgi(self, url: str) -> Page:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [
                (b"host", HOST.encode()),
                (b"cookie", self._cookie_header().encode()),
            ],
            "client": ["127.0.0.1", 0],
            "server": [HOST, "80"],
        }
        server = ApplicationCommunicator(ASGIHandler(), scope)
        await server.send_input({"type": "http.request"})
        start = await server.receive_output(PATIENCE)
        text = b""
        while True:
            message = await server.receive_output(PATIENCE)
            text += message.get("body", b"")
            if not message.get("more_body"):
                break
        await server.wait(PATIENCE)
        headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
        return self._page(start["status"], headers, text.decode())

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())

    def _page(self, status: int, headers: list[tuple[str, str]], text: str) -> Page:
        location = None
        for name, value in headers:
            if name.lower() == "set-cookie":
                self._cookies.load(value)
            elif name.lower() == "location":
                location = value
        return Page(status, text, location)
