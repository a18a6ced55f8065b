"""What the organisation refuses."""

from __future__ import annotations

from app.errors import Conflict, NotFound


class PersonUnknown(NotFound):
    slug = "member-not-found"
    title = "找不到该成员"


class DepartmentUnknown(NotFound):
    slug = "department-not-found"
    title = "找不到该部门"


class NothingToReview(Conflict):
    slug = "userid-review-not-open"
    title = "没有待确认的账号"
