"""The manifest of findings."""

from __future__ import annotations

from app.findings.tell import FOUND, words
from app.manifest import Domain

DOMAIN = Domain(name="findings", rungs={FOUND: words})
