"""The controller's REST surface: JSON in, JSON out, statuses other than 2xx as errors."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import threading
import urllib.parse
from typing import Any, Dict, Optional, Union

from .errors import ApiError, ConfigurationError, Unreachable
from .settings import Settings

Query = Dict[str, Union[str, int, float]]

#: Seconds that the controller may be silent for, beside what it is asked to wait.
PATIENCE = 60.0


class Api:
    """Thread-safe: each thread has a connection of its own, which is kept open."""

    def __init__(self, settings: Settings):
        parts = urllib.parse.urlsplit(settings.endpoint)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.path.strip("/"):
            raise ConfigurationError(
                f"endpoint '{settings.endpoint}' is not an address; write https://host:port, "
                "for example https://127.0.0.1:3233"
            )
        self._endpoint = settings.endpoint
        self._host, self._port = parts.hostname, port
        self._tls = _tls_context(settings) if parts.scheme == "https" else None
        key = settings.api_key if ":" in settings.api_key or not settings.api_key else f"gust:{settings.api_key}"
        self._headers = {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()} if key else {}
        self._local = threading.local()

    def get(self, path: str, query: Optional[Query] = None, waits: float = 0) -> Any:
        """`path` is what follows /api/v1; `waits` is how long the controller is asked to wait before it answers."""
        return self._repeatable("GET", path, query, None, waits)

    def put(self, path: str, body: Any, query: Optional[Query] = None) -> Any:
        return self._repeatable("PUT", path, query, json.dumps(body).encode(), 0)

    def delete(self, path: str) -> Any:
        return self._repeatable("DELETE", path, None, None, 0)

    def post(self, path: str, body: bytes, query: Optional[Query] = None) -> Any:
        """On a connection of its own: one that the controller has closed meanwhile would leave open whether it was done."""
        with contextlib.closing(self._connect()) as connection:
            return self._send(connection, "POST", path, query, body, 0)

    def close(self) -> None:
        """Closes this thread's connection; the next request opens another."""
        connection = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _repeatable(
        self,
        method: str,
        path: str,
        query: Optional[Query],
        body: Optional[bytes],
        waits: float,
    ) -> Any:
        kept = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._send(kept, method, path, query, body, waits)
            except Unreachable:
                self.close()  # it was idle for too long, perhaps: once more on a new one
        self._local.connection = self._connect()
        try:
            return self._send(self._local.connection, method, path, query, body, waits)
        except Unreachable:
            self.close()
            raise

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        return http.client.HTTPSConnection(self._host, self._port, timeout=PATIENCE, context=self._tls)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: Optional[Query],
        body: Optional[bytes],
        waits: float,
    ) -> Any:
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.timeout = PATIENCE + waits
        if connection.sock is not None:
            connection.sock.settimeout(PATIENCE + waits)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self._why_unreachable(error)) from error
        if 200 <= response.status < 300:
            return json.loads(answer)
        raise ApiError(response.status, _sentence(response.status, answer))

    def _why_unreachable(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {self._endpoint} is not trusted ({error.verify_message}); name its certificate "
                "with ca_file or GUST_CA_FILE"
            )
        if isinstance(error, ConnectionRefusedError):
            return f"nothing answers at {self._endpoint}; start a cluster with gust up, or set GUST_ENDPOINT"
        return f"no answer from {self._endpoint}: {type(error).__name__}: {error}"


def _tls_context(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.ca_file:
        try:
            context.load_verify_locations(settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"ca_file {settings.ca_file} cannot be used: {error}") from error
    return context


def _sentence(status: int, answer: bytes) -> str:
    try:
        message = json.loads(answer)["error"]
    except (ValueError, KeyError, TypeError):
        message = answer[:200].decode(errors="replace") or f"HTTP status {status}"
    if status == 401:
        message = f"{message}; set GUST_API_KEY or api_key to the key that gust up was given"
    return str(message)


def quoted(name: str) -> str:
    """A name as one part of a path."""
    return urllib.parse.quote(name, safe="")
