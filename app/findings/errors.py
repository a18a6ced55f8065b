"""What cannot be done about a finding."""

from __future__ import annotations

from app.errors import Conflict, NotFound


class FindingNotFound(NotFound):
    slug = "finding-not-found"
    title = "找不到这条差异"


class FindingClosed(Conflict):
    slug = "finding-resolved"
    title = "这条差异已处理"
