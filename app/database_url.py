"""The URL of the database, read in one place for every program that connects with it.

libpq's parameters mean the same whoever connects: SQLAlchemy's engine, asyncpg alone (the queue, the listener),
Alembic, pg_dump. A parameter that one of them would not keep is a fault of the configuration, told at start.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DEFAULT_NAME: Final = "steward"
CONNECT_SECONDS: Final = 5.0
_MOST_CONNECT_SECONDS: Final = 600
_LONGEST_NAME: Final = 40
"""The server keeps 63 bytes, and some connections add what they are for."""

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERIFYING: Final = ("verify-ca", "verify-full")
_SSL_FILES: Final = ("sslrootcert", "sslcert", "sslkey")
_PLACE: Final = ("host", "port")
PARAMETERS: Final = ("sslmode", *_SSL_FILES, "connect_timeout", "application_name")
"""What may stand behind the `?`, beside host and port of a socket."""

_SHAPE: Final = "must look like postgresql://user:password@host:5432/database"
_OTHER_WORDS: Final = {"ssl": "sslmode=require", "timeout": "connect_timeout", "user": "postgresql://user:…@host/…"}
_LARGEST_PORT: Final = 65535
_HOME_CERTIFICATES: Final = ".postgresql/root.crt"


class FaultyUrl(ValueError):
    """The URL cannot be meant. The sentence never repeats it: it holds a password."""


@dataclass(frozen=True)
class DatabaseUrl:
    """A database and how to connect to it. `read_url` makes it."""

    place: URL
    """Where it is and who connects, without parameters."""
    parameters: dict[str, str]

    @property
    def name(self) -> str:
        """What the server shows as `application_name`."""
        return self.parameters.get("application_name", DEFAULT_NAME)

    @property
    def is_socket(self) -> bool:
        return str(self.place.query.get("host") or self.place.host or "").startswith("/")

    def arguments(self, purpose: str = "", **settings: str) -> dict[str, Any]:
        """For `asyncpg.connect`, `asyncpg.create_pool`. The server shows the `purpose` behind our name."""
        place = self.place.set(drivername="postgresql").render_as_string(hide_password=False)
        return self._arguments(self._with_tls(place), purpose, settings)

    def connect_args(self, **settings: str) -> dict[str, Any]:
        """For SQLAlchemy's engine on `place`: its dialect passes them on to asyncpg."""
        return self._arguments(self._with_tls("postgresql://"), "", settings)

    def for_programs(self) -> tuple[str, str]:
        """The URL for PostgreSQL's own programs, without the password, and the password."""
        url = self.place.set(drivername="postgresql")._replace(password=None)
        text = url.render_as_string(hide_password=False)
        given = {name: value for name, value in self.parameters.items() if name != "connect_timeout"}
        given["connect_timeout"] = str(round(self._seconds))
        password = str(self.place.password or "")
        return f"{text}{'&' if '?' in text else '?'}{urlencode(given | self._tls(), quote_via=quote)}", password

    @property
    def needs_tls(self) -> bool:
        """Whether a program without TLS cannot connect."""
        return self.parameters.get("sslmode", "") in {"require", *_VERIFYING}

    @property
    def _seconds(self) -> float:
        return float(self.parameters.get("connect_timeout", CONNECT_SECONDS))

    def _arguments(self, dsn: str, purpose: str, settings: dict[str, str]) -> dict[str, Any]:
        shown = f"{self.name} {purpose}".rstrip()
        return {"dsn": dsn, "timeout": self._seconds, "server_settings": {"application_name": shown, **settings}}

    def _with_tls(self, url: str) -> str:
        if not (tls := self._tls()):
            return url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(tls, quote_via=quote)}"

    def _tls(self) -> dict[str, str]:
        tls: dict[str, str] = {
            name: self.parameters[name] for name in ("sslmode", *_SSL_FILES) if name in self.parameters
        }
        if tls.get("sslrootcert") == "system":
            tls["sslrootcert"] = str(system_certificates())
        return tls


def read_url(text: str | URL) -> DatabaseUrl:
    """Raises `FaultyUrl` when it cannot be read; files are looked at by `check_url`."""
    url = _parsed(text)
    given = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    if unknown := sorted(given.keys() - {*PARAMETERS, *_PLACE}):
        raise FaultyUrl(_says_unknown(unknown[0]))
    _check_values(given)
    place = url.set(query={name: given[name] for name in _PLACE if name in given})
    return DatabaseUrl(place, {name: value for name, value in given.items() if name in PARAMETERS})


def check_url(text: str) -> str:
    """The text itself, when everything that it names is there. Raises `FaultyUrl`."""
    read = read_url(text)
    _check_files(read.parameters)
    return text


def system_certificates() -> Path | None:
    """Where this machine keeps the certificates that it trusts (`sslrootcert=system`)."""
    paths = ssl.get_default_verify_paths()
    return Path(paths.cafile) if paths.cafile else None


def _parsed(text: str | URL) -> URL:
    try:
        url = make_url(text)
        if url.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
            raise FaultyUrl(_SHAPE)
        port = int(str(url.query.get("port") or url.port or 5432))
        rendered = url.render_as_string(hide_password=False)
    except (ArgumentError, ValueError, TypeError, UnicodeError) as error:
        raise error if isinstance(error, FaultyUrl) else FaultyUrl(_SHAPE) from None
    if not 0 < port <= _LARGEST_PORT:
        raise FaultyUrl(f"the port must be 1 to {_LARGEST_PORT}")
    host = str(url.query.get("host") or url.host or "")
    if "," in host:
        raise FaultyUrl("one host only: several hosts in one URL are not supported")
    if not host.startswith("/") and not _is_name(host):
        raise FaultyUrl("the host is neither a name nor an address")
    parts = (host, url.username, url.password, url.database)
    if "\x00" in rendered or "%00" in rendered or any("\ufffd" in str(part) for part in parts):
        raise FaultyUrl("it holds a character that cannot be meant; write special characters of the password as %XX")
    return url


def _is_name(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _says_unknown(name: str) -> str:
    meant = f" (write {_OTHER_WORDS[name]})" if name in _OTHER_WORDS else ""
    shown = name if re.fullmatch(r"\w{1,40}", name) else "…"
    return f"不认识参数 {shown}{meant}，可以用 {', '.join(PARAMETERS)} (unknown parameter)"


def _check_values(given: dict[str, str]) -> None:
    if given.get("sslmode", "prefer") not in SSL_MODES:
        raise FaultyUrl(f"sslmode must be one of {', '.join(SSL_MODES)}")
    seconds = given.get("connect_timeout", "5")
    if not re.fullmatch(r"[0-9]{1,3}", seconds) or not 0 < int(seconds) <= _MOST_CONNECT_SECONDS:
        raise FaultyUrl(f"connect_timeout must be whole seconds, 1 to {_MOST_CONNECT_SECONDS}")
    name = given.get("application_name", DEFAULT_NAME)
    if not re.fullmatch(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{_LONGEST_NAME - 2}}}[\x21-\x7e])?", name):
        raise FaultyUrl(f"application_name must be 1 to {_LONGEST_NAME} printable ASCII characters")
    if ("sslcert" in given) != ("sslkey" in given):
        raise FaultyUrl("sslcert and sslkey belong together: give both or none")


def _check_files(given: dict[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    root = given.get("sslrootcert")
    if root == "system":
        if system_certificates() is None:
            raise FaultyUrl("sslrootcert=system: this machine keeps no certificates; name a file")
    elif root is not None:
        _load(lambda: context.load_verify_locations(cafile=root), "sslrootcert", root)
    elif given.get("sslmode") in _VERIFYING and not _is_file_at_home():
        raise FaultyUrl(f"sslmode={given['sslmode']} needs sslrootcert=FILE, the certificate of the CA (or system)")
    if "sslcert" in given:
        certificate, key = given["sslcert"], given["sslkey"]
        # Without a password: OpenSSL would ask the terminal for one.
        _load(
            lambda: context.load_cert_chain(certificate, key, password=""), "sslcert, sslkey", f"{certificate}, {key}"
        )


def _is_file_at_home() -> bool:
    try:
        return (Path.home() / _HOME_CERTIFICATES).is_file()
    except (OSError, RuntimeError):
        return False


def _load(load: Any, name: str, file: str) -> None:
    try:
        load()
    except ssl.SSLError:
        raise FaultyUrl(f"{name}: {file} 不是可用的 PEM 证书或密钥 (no usable PEM certificate or key)") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise FaultyUrl(f"{name}: 读不到文件 {file} ({reason})") from None
