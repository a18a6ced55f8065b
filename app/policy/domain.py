"""The manifest of the policy."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.permissions import Permission
from app.policy.router import router

DOMAIN = Domain(
    name="policy",
    routers=[router],
    scopes=["policy"],
    pages=[
        Page(
            face="console", name="policy", title="制度", english="Policy", permission=Permission.POLICY_READ, place=70
        ),
    ],
)
