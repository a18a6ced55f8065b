"""The manifest of what people are told about their account."""

from __future__ import annotations

from app.account.jobs import JOBS, SUBSCRIBERS
from app.manifest import Domain

DOMAIN = Domain(name="account", jobs=JOBS, subscribers=SUBSCRIBERS)
