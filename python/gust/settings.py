"""Where the controller is, and the key for it: found as the command line finds them.

Defaults, then what a running `gust up` left for its user, then the configuration file, the environment, arguments.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import stat
from typing import Any, Dict, Optional

from .errors import ConfigurationError

VARIABLES = {
    "endpoint": "GUST_ENDPOINT",
    "api_key": "GUST_API_KEY",
    "ca_file": "GUST_CA_FILE",
    "insecure": "GUST_INSECURE",
}


@dataclasses.dataclass
class Settings:
    endpoint: str = "https://127.0.0.1:3233"
    api_key: str = dataclasses.field(default="", repr=False)
    ca_file: str = ""
    insecure: bool = False

    def set(self, name: str, value: Any, where: str) -> None:
        if name == "insecure":
            if value not in (True, False, "true", "false"):
                raise ConfigurationError(f"{where}: '{value}' is neither true nor false")
            value = value in (True, "true")
        elif not isinstance(value, (str, os.PathLike)):
            raise ConfigurationError(f"{where}: {value!r} is not a text")
        setattr(self, name, value if isinstance(value, bool) else os.fspath(value))


def load_settings(config: Optional[os.PathLike] = None, **arguments: Any) -> Settings:
    """The settings, with those of `arguments` that are not None. ConfigurationError names the file or the variable."""
    up = Settings()
    if _is_ours(up_file()):
        _apply_file(up, up_file())
    settings = dataclasses.replace(up)
    named = config or os.environ.get("GUST_CONFIG")
    if named:
        _apply_file(settings, pathlib.Path(named))
    elif default_file().exists():
        _apply_file(settings, default_file())
    for name, variable in VARIABLES.items():
        if variable in os.environ:
            settings.set(name, os.environ[variable], variable)
    for name, value in arguments.items():
        if value is not None:
            settings.set(name, value, name)
    if settings.endpoint != up.endpoint:
        # Another controller is meant: it must not learn the key of ours.
        settings.api_key = "" if settings.api_key == up.api_key else settings.api_key
        settings.ca_file = "" if settings.ca_file == up.ca_file else settings.ca_file
    return settings


def default_file() -> pathlib.Path:
    home = os.environ.get("HOME")
    own = pathlib.Path(home or "/nonexistent", ".config/gust/gust.toml")
    return own if own.exists() else pathlib.Path("/etc/gust/gust.toml")


def up_file() -> pathlib.Path:
    """Where `gust up` leaves its endpoint and key for the programs of the same user."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = pathlib.Path(runtime, "gust") if runtime else pathlib.Path(f"/tmp/gust-{os.geteuid()}")
    return folder / "up.toml"


def _is_ours(file: pathlib.Path) -> bool:
    """Others could have made the file in a shared folder to lure our key to their endpoint."""
    try:
        info = os.lstat(file)
    except OSError:
        return False
    return (
        stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _apply_file(settings: Settings, file: pathlib.Path) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"configuration file {file} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"configuration file {file}: {error}") from error
    for name, value in _parse(text, file).items():
        if name in VARIABLES:  # the others are the controller's and the invokers', and the command line checks them
            settings.set(name, value, f"{file}: {name}")


def _parse(text: str, file: pathlib.Path) -> Dict[str, Any]:
    try:
        import tomllib
    except ImportError:  # before Python 3.11
        return _parse_lines(text, file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _parse_lines(text: str, file: pathlib.Path) -> Dict[str, Any]:
    """As much of TOML as Gust's files have: a name, `=`, a quoted text, a whole number or a truth value."""
    values: Dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        quote = value[:1]
        end = value.find(quote, 1) if quote in ("'", '"') else -1
        inner = value[1:end]
        if equals and end > 0 and "\\" not in inner and value[end + 1 :].strip()[:1] in ("", "#"):
            values[name] = inner
            continue
        bare = value.split("#", 1)[0].strip()
        if not equals or not (bare in ("true", "false") or bare.replace("_", "").lstrip("+-").isdigit()):
            raise ConfigurationError(
                f'{file}:{number}: Python before 3.11 reads only lines such as `endpoint = "https://host:port"` here'
            )
        values[name] = bare == "true" if bare in ("true", "false") else int(bare)
    return values
