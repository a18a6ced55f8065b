"""The manifest of the platform's limits."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.permissions import Permission
from app.quota import queries
from app.quota.router import router

DOMAIN = Domain(
    name="quota",
    routers=[router],
    overview=[queries.counted],
    scopes=["quota"],
    pages=[
        Page(
            face="console",
            name="quota",
            title="用量",
            english="Limits",
            permission=Permission.QUOTA_READ,
            place=80,
            whole_company=True,
        ),
    ],
)
