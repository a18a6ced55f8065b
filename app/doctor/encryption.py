"""Whether the line to the database is encrypted, and whether we know who is at its other end."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Final

from app.database_url import DatabaseUrl
from app.doctor.context import is_private

_VERIFY: Final = (
    "STEWARD_DATABASE_URL 加上 ?sslmode=verify-full&sslrootcert=CA证书文件（公共证书用 sslrootcert=system）"
)
_OWN: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Line:
    """What it is, and what to do about it; empty where it is as it should be."""

    says: str
    do: str = ""


def described(connection: Any, url: DatabaseUrl) -> Line:
    """Looks at the connection itself: `sslmode` alone does not tell what came of it."""
    if url.is_socket:
        return Line("经本机套接字连接")
    # The transport is the driver's own; nothing public tells. A test holds that it is there.
    tls = connection.driver_connection._transport.get_extra_info("ssl_object")  # noqa: SLF001 -- as said above
    host = str(url.place.query.get("host") or url.place.host or "localhost")
    if tls is None:
        is_outside = host not in _OWN and not is_private(host)
        return Line("连接没有加密", _VERIFY if is_outside else "")
    return _judged(tls, host)


def _judged(tls: Any, host: str) -> Line:
    encrypted = f"连接已加密（{tls.version()}）"
    context: ssl.SSLContext = tls.context
    if context.verify_mode is not ssl.CERT_REQUIRED:
        return Line(f"{encrypted}，没有核对服务器的证书", _VERIFY)
    if not context.check_hostname:
        return Line(f"{encrypted}，核对了证书，没有核对主机名 {host}", _VERIFY)
    return Line(f"{encrypted}，核对了证书和主机名")
