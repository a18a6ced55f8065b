"""What is kept of a finding (`group_findings.details`), beside the sentence that people were told. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class FindingDetails(BaseModel):
    """Each kind of finding has its own facts; only those that were set are stored."""

    model_config = ConfigDict(frozen=True)

    detail: str | None = None
    """The words for it, where the kind alone does not say it."""
    lost: int | None = None
    of: int | None = None
    userids: list[str] | None = None
    severity: str | None = None
    last_seen_at: str | None = None
    name: str | None = None
    registered_userid: str | None = None
    errcode: int | None = None
    should_leave: str | None = None
    """Why somebody in the group should be out of it: `exit`, `removed`, `departure`. Without it, nobody let them in."""

    def dump(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)
