"""The manifest of the policy."""

from __future__ import annotations

from app.manifest import Domain
from app.policy.router import router

DOMAIN = Domain(
    name="policy",
    routers=[router],
    scopes=["policy"],
)
