"""The manifest of what waits for people."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.today.router import router

DOMAIN = Domain(
    name="today",
    routers=[router],
    scopes=["personal"],
    pages=[Page(face="me", name="data", title="我的数据", english="My data", permission=None)],
)
