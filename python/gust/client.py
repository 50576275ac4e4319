"""The client: what to deploy, what to start."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import secrets
import time
from typing import Any, Callable, Dict, Iterable, List, Optional, Union

from .api import Api, quoted
from .errors import ApiError, ConfigurationError
from .flare import Flare
from .settings import load_settings
from .shipping import Shipped, ship
from .stats import Call

Code = Union[str, "os.PathLike[str]", Callable[..., Any]]

KINDS = {".py": "python:default", ".zip": "python:default", ".so": "cpp:default"}


class Client:
    """Talks to one controller. Thread-safe.

    Without arguments it finds what a running `gust up` of the same user has left, else the configuration file and the
    environment (GUST_ENDPOINT, GUST_API_KEY, GUST_CA_FILE, GUST_INSECURE, GUST_CONFIG), as the command line does.
    Connects with the first request. `insecure` does not verify the controller's certificate.
    """

    def __init__(
        self,
        endpoint: Optional[str] = None,
        api_key: Optional[str] = None,
        ca_file: "Optional[Union[str, os.PathLike[str]]]" = None,
        insecure: Optional[bool] = None,
        config: "Optional[Union[str, os.PathLike[str]]]" = None,
    ):
        settings = load_settings(
            config,
            endpoint=endpoint,
            api_key=api_key,
            ca_file=ca_file,
            insecure=insecure,
        )
        self.endpoint = settings.endpoint
        self._api = Api(settings)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the calling thread's connection. What was started goes on."""
        self._api.close()

    def deploy(
        self,
        name: str,
        code: Code,
        *,
        kind: Optional[str] = None,
        main: Optional[str] = None,
        image: Optional[str] = None,
        memory: Optional[int] = None,
        timeout: Optional[float] = None,
        logs: Optional[int] = None,
        **limits: int,
    ) -> Dict[str, Any]:
        """Stores an action, in the place of one of that name; gives it as the controller shows it.

        `code` is Python source (a text), a file (a pathlib.Path: .py, .zip with __main__.py, .so made by gust build), or a
        function, which gets a worker's parameters and, if it takes two arguments, its Burst. `memory` and `logs` are in
        MB (of each container, of each pack's log), `timeout` is in seconds, of a whole flare; `limits` are others of
        OpenWhisk's member `limits`. Raises ApiError, ShippingError, OSError.
        """
        return self._store(name, _entity(code, kind, main, image), memory=memory, timeout=timeout, logs=logs, **limits)

    def delete(self, name: str) -> None:
        """Removes an action. Flares that were started go on."""
        self._api.delete(_action_path(name))

    def actions(self) -> List[str]:
        """Names of the newest 200 actions."""
        return [entry["name"] for entry in self._api.get("/namespaces/_/actions", {"limit": 0})]

    def flare(
        self,
        action: Union[str, Callable[..., Any]],
        params: Iterable[Any],
        *,
        granularity: Optional[int] = None,
        join: bool = False,
        backend: Optional[str] = None,
        chunk_size: Optional[int] = None,
        **limits: Any,
    ) -> Flare:
        """Starts a burst: one worker for each entry of `params`, which is any JSON value. Does not wait for it.

        `action` is the name of one that is deployed, or a function, which is sent along and may have `limits` as
        deploy() takes them. `granularity` is workers a pack; without it each invoker gets one pack as large as what
        is free there; with `join` packs that land on one invoker are joined. `backend` carries messages between packs,
        in pieces of `chunk_size` KB.
        """
        call = Call(workers=0, created=time.time())
        texts = _encode_params(params)
        call.workers, call.params_bytes = len(texts), [len(text) for text in texts]
        body = ('{"value":[' + ",".join(texts) + "]}").encode()
        call.serialized = time.time() - call.created
        wishes = {
            "granularity": granularity,
            "backend": backend,
            "chunk_size": chunk_size,
        }
        query: Dict[str, Any] = {
            "burst": "true",
            **{name: value for name, value in wishes.items() if value is not None},
        }
        if join:
            query["join"] = "true"
        if isinstance(action, str):
            if limits:
                raise TypeError(f"{', '.join(limits)}: limits of a deployed action are given to deploy()")
            return self._start(action, body, query, call)
        return self._start_function(action, body, query, call, limits)

    def map(self, function: Callable[..., Any], iterable: Iterable[Any], **options: Any) -> Flare:
        """Calls `function` with each element, each in a worker of its own; `options` are those of flare().

        `client.map(f, range(100), granularity=10).get_result()` is `list(map(f, range(100)))`.
        """
        if not callable(function):
            raise TypeError(f"{function!r} is no function; flare() starts an action by its name")
        return self.flare(function, iterable, **options)

    def _start_function(
        self,
        function: Callable[..., Any],
        body: bytes,
        query: Dict[str, Any],
        call: Call,
        limits: Dict[str, Any],
    ) -> Flare:
        began = time.time()
        label = "".join(c if c.isalnum() and c.isascii() else "-" for c in getattr(function, "__name__", "function"))
        name = f"map-{label.strip('-')[:80]}-{secrets.token_hex(6)}"
        entity = _entity(function, limits.pop("kind", None), None, limits.pop("image", None))
        self._store(name, entity, **limits)
        call.code_bytes = len(entity["exec"]["code"])
        call.uploaded = time.time() - began
        try:
            return self._start(name, body, query, call)
        finally:
            try:
                self.delete(name)  # the flare has what it needs
            except ApiError as error:
                if error.status != 404:
                    raise

    def _store(
        self, name: str, entity: Dict[str, Any], timeout: Optional[float] = None, **limits: Any
    ) -> Dict[str, Any]:
        chosen = {"timeout": None if timeout is None else round(timeout * 1000), **limits}
        entity["limits"] = {limit: value for limit, value in chosen.items() if value is not None}
        return self._api.put(_action_path(name), entity, {"overwrite": "true"})

    def _start(self, action: str, body: bytes, query: Dict[str, Any], call: Call) -> Flare:
        call.submitted = time.time()
        return Flare(self._api, action, self._api.post(_action_path(action), body, query), call)


def _action_path(name: str) -> str:
    return "/namespaces/_/actions/" + "/".join(quoted(part) for part in name.split("/"))


def _encode_params(params: Iterable[Any]) -> List[str]:
    texts = []
    for worker, entry in enumerate(params):
        try:
            texts.append(json.dumps(entry, allow_nan=False, separators=(",", ":")))
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(f"the parameters of worker {worker} cannot be JSON: {error}") from error
    if not texts:
        raise ValueError("there are no parameters, so there would be no workers; a burst has at least one")
    return texts


def _entity(code: Code, kind: Optional[str], main: Optional[str], image: Optional[str]) -> Dict[str, Any]:
    if isinstance(code, os.PathLike):
        path = pathlib.Path(code)
        kind = kind or KINDS.get(path.suffix)
        if kind is None:
            raise ConfigurationError(
                f"the name of {path} does not tell what it is; .py is Python, .zip Python with __main__.py, .so a shared "
                "object made by gust build: or say it with kind"
            )
        content: Union[str, bytes] = path.read_bytes()
        if path.suffix == ".py":
            content = path.read_text(encoding="utf-8")
    elif isinstance(code, str):
        if "\n" not in code and os.path.exists(code):
            raise ConfigurationError(
                f"{code!r} is taken as Python source, and is a file's name; give pathlib.Path({code!r})"
            )
        content = code
    else:
        shipped: Shipped = ship(code)
        content, main = shipped.code, main or shipped.main
    binary = isinstance(content, bytes)
    text = base64.b64encode(content).decode() if isinstance(content, bytes) else content
    entry: Dict[str, Any] = {
        "kind": kind or "python:default",
        "binary": binary,
        "code": text,
    }
    if main:
        entry["main"] = main
    if image:
        entry["image"] = image
    return {"exec": entry}
