"""The manifest of the faces' own pages: where each begins."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="pages",
    pages=[
        Page(face="me", name="", title="今日", english="Today", permission=None, place=0),
        Page(face="console", name="", title="概览", english="Overview", permission=None, place=0),
        Page(
            face="console",
            name="doctor",
            title="诊断",
            english="Doctor",
            permission=Permission.SERVICE_READ,
            place=86,
            whole_company=True,
        ),
        Page(
            face="console",
            name="settings",
            title="设置",
            english="Settings",
            permission=Permission.SERVICE_READ,
            place=87,
            whole_company=True,
        ),
    ],
)
