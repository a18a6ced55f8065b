"""The documents of a sync run: `sync_runs.counts` and `sync_runs.report`. Pure.

A document that an earlier version has stored must still be read: a new field needs a default, and what is not known
here any more is kept as it is.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from models.org import SyncRun


class _Document(BaseModel):
    """Only fields that were set are stored. Frozen, because a list that is changed in place would not count as set."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def dump(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class Counts(_Document):
    """How many objects changed, by the word for the change: `created`, `updated`, `left` …"""

    people: dict[str, int] = Field(default_factory=dict)
    departments: dict[str, int] = Field(default_factory=dict)
    memberships: dict[str, int] = Field(default_factory=dict)
    tags: dict[str, int] = Field(default_factory=dict)
    released: Counts | None = None
    """What took effect when a person released the run."""

    @classmethod
    def of(cls, run: SyncRun) -> Counts:
        return cls.model_validate(run.counts)


class NamedChange(_Document):
    """One line of a report: the object, and the word for what happened to it."""

    id: str
    name: str
    change: str


class NamedChanges(_Document):
    people: list[NamedChange] = Field(default_factory=list)
    departments: list[NamedChange] = Field(default_factory=list)


class StagedCounts(_Document):
    """How many rows the run has staged, and how many people it has read as before."""

    people: int
    departments: int
    unchanged: int = 0

    @property
    def read(self) -> int:
        return self.people + self.unchanged


class BadRows(_Document):
    """Rows and values that could not be used, or not as they came."""

    count: int = 0
    examples: list[str] = Field(default_factory=list)


class Orphans(_Document):
    """Departments without their parent, and departments that people belong to and that nobody can see."""

    departments: list[int] = Field(default_factory=list)
    memberships: list[int] = Field(default_factory=list)


class Loss(_Document):
    lost: int
    of: int


class HeldLosses(_Document):
    people: Loss
    departments: Loss
    group_places: Loss
    sight: Loss | None = None
    """Who would become invisible, of those whom the app has seen."""


class TagRow(_Document):
    """What a tag holds according to the platform."""

    id: int
    name: str
    userids: list[str] = Field(default_factory=list)
    department_ids: list[int] = Field(default_factory=list)


class HeldTag(TagRow):
    before: int
    """How many members the tag has until the run is released."""

    @property
    def after(self) -> int:
        return len(self.userids) + len(self.department_ids)


class OwnerToFollow(_Document):
    """A group whose owner would leave with a release."""

    group_id: str
    group: str
    owner: str


class ReleaseEffect(_Document):
    """What follows when the run is released: the person's word takes the place of the second reading."""

    departures: list[NamedChange] = Field(default_factory=list)
    """Who counts as gone at once; `change` is what the run has read of them (`missing`, `left`, `disabled`)."""
    missing: int = 0
    """How many of them were only missing."""
    group_places: int = 0
    owners: list[OwnerToFollow] = Field(default_factory=list)


class Held(_Document):
    """What waits for a person's decision."""

    on_release: ReleaseEffect | None = None

    people: list[NamedChange] = Field(default_factory=list)
    departments: list[NamedChange] = Field(default_factory=list)
    losses: HeldLosses | None = None
    tags: list[HeldTag] = Field(default_factory=list)


class ReleaseFacts(_Document):
    """What a release needs to compare again with what the run has staged. No sentence of the report takes part."""

    ids_complete: bool = False
    departments_complete: bool = False
    staged: StagedCounts | None = None
    tags: list[TagRow] = Field(default_factory=list)


class SyncReport(_Document):
    """What a person reads about a run, and, of a run that is held, the facts for its release."""

    PARTS: ClassVar = ("ids_complete", "departments_complete", "details_complete")
    """All true: everything that the two credentials may read was read."""

    explanations: list[str] = Field(default_factory=list)
    ids_complete: bool = False
    departments_complete: bool = False
    details_complete: bool = False
    bad_rows: BadRows | None = None
    repaired: BadRows | None = None
    """Texts that came with illegal characters, and are kept without them."""
    staged: StagedCounts | None = None
    orphans: Orphans | None = None
    rings: list[int] = Field(default_factory=list)
    """Departments that are their own ancestor."""
    held: Held | None = None
    changes: NamedChanges | None = None
    """Of a dry run: everything that would change."""
    release: ReleaseFacts | None = None

    @classmethod
    def of(cls, run: SyncRun) -> SyncReport:
        return cls.model_validate(run.report)

    @property
    def is_complete(self) -> bool:
        return all(getattr(self, part) for part in self.PARTS)

    def explained(self, *sentences: str) -> SyncReport:
        """With these sentences behind the others."""
        return self.model_copy(update={"explanations": [*self.explanations, *sentences]})

    def facts_for_release(self) -> ReleaseFacts:
        """An earlier version stored these facts among what people read."""
        if self.release is not None:
            return self.release
        tags = self.held.tags if self.held is not None else []
        return ReleaseFacts(
            ids_complete=self.ids_complete,
            departments_complete=self.departments_complete,
            staged=self.staged,
            tags=list(tags),
        )
