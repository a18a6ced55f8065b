"""What a domain says about a kind of request, so that people can apply for it and approve it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.errors import UnknownKind
from app.audit.actor import Actor
from app.manifest import registry_of
from app.policy.sections.groups import Requirement
from app.policy.sections.people import Expression, StepRule
from app.policy.service import Policy
from app.quotes import quoted
from models.approvals import Request
from models.ids import GroupId, PersonId
from models.org import Person


@dataclass(frozen=True)
class Details:
    """Who an application is about, as approvers read it (policy 2.1). Empty: not known and not said."""

    name: str = ""
    title: str = ""
    contact: str = ""
    written_name: str = ""
    """The name as the application writes it, where the contact book has another."""


PERSONAL: Mapping[str, str] = {"title": "职务", "contact": "联系方式"}
"""What of it is erased again: the member of the payload, and the row that shows it."""


@dataclass(frozen=True)
class Submission:
    """Who applies, under which policy version, and when."""

    requester: Person
    policy: Policy
    now: datetime
    details: Details = Details()


@dataclass(frozen=True)
class RequestText:
    """What people read of a request. It stays as it was on submission."""

    title: str
    """For example `申请加入“研发部-新品项目”`."""
    fields: Sequence[tuple[str, str]] = ()
    """(keyname, value) rows of the card, the most important first: a full card says how many more there are."""
    group_id: GroupId | None = None
    """The group it concerns, for lists."""


@dataclass(frozen=True)
class Headed:
    """From where `department_head` and `direct_leader` are read: a person, or another department than theirs."""

    person: Person
    department_id: int | None = None


class ShownFields(BaseModel):
    """The column `requests.shown`: the rows of `RequestText.fields`."""

    fields: list[tuple[str, str]] = []


class ChainStep(StepRule):
    """A step as it was on submission. What a later release has added to it is passed over: a process of this one may
    read it while an upgrade is under way.
    """

    model_config = ConfigDict(extra="ignore")

    is_offer: bool = Field(False, exclude=True)
    """Somebody is asked whether they take something on. Nobody answers in their place. `Chain.offers` keeps it."""


class Chain(BaseModel):
    """The column `requests.chain`: the steps as the policy said on submission (F57), and behind them the offers."""

    model_config = ConfigDict(extra="ignore")

    steps: list[ChainStep]
    offers: list[int] = []
    """The positions of the offers. They stand beside the steps because a process of a release without offers refuses a
    step with a member that it does not know."""

    @model_validator(mode="after")
    def _know_the_offers(self) -> Chain:
        for place, step in enumerate(self.steps):
            if place + 1 in self.offers and not step.is_offer:
                self.steps[place] = step.model_copy(update={"is_offer": True})
        return self

    @classmethod
    def of(cls, rules: Sequence[StepRule]) -> Chain:
        return cls(steps=[ChainStep.model_validate(rule.model_dump(mode="json")) for rule in rules])

    def column(self) -> dict[str, Any]:
        """Without defaults: a process of the release before reads it while an upgrade is under way."""
        offers = [place for place, step in enumerate(self.steps, start=1) if step.is_offer]
        column = self.model_dump(mode="json", exclude_defaults=True, exclude={"offers"})
        return column | ({"offers": offers} if offers else {})


@dataclass(frozen=True)
class Offer:
    """What somebody would take on by a request. Who has not applied for it is asked, when everybody else has agreed."""

    what: str
    """For people, behind 愿意: 担任群主."""
    rule_key: str
    candidates: Sequence[Person]
    """The first choice first: who declines is followed by the next."""
    needless: str = ""
    """Why nobody needs to take it on any more. The request ends with these words."""


PayloadT = TypeVar("PayloadT", bound=BaseModel)
SubjectT = TypeVar("SubjectT", bound=BaseModel)


class RequestKind(ABC, Generic[PayloadT, SubjectT]):
    """One kind of request. A domain registers an instance in its manifest (`kinds`).

    On submission the engine reads the payload, lets the kind resolve it to a subject, and stores both. Everything
    later works with the subject: a userid that changes its person, or a group that changes its type, changes nothing
    about a request under way.
    """

    name: str
    """`create_group`, `join` …: the `kind` of the REST resource."""
    rule_key: str
    payload: type[PayloadT]
    """What the applicant says: the schema of `payload` in `POST /requests`."""
    subject: type[SubjectT]
    """Whom and what it is about, by our own ids: the column `requests.subject`."""
    is_applied_for: bool = True
    """Whether people apply for it. If not, the service asks by `ask_in_turn` who would take something on: nobody is the
    applicant, hears of its progress or may withdraw it, and `requests.requester_id` is whose place it is about."""
    has_details: bool = False
    """Whether it holds `PERSONAL` details of whom it is about."""
    keeps_details: bool = False
    """Whether they are needed once it is carried out, as of who is in a group; erased when they leave."""
    objection_ends: bool = False
    """Whether it ends when the person whom it is about objects. Otherwise the approvers read it, and decide."""

    @abstractmethod
    async def resolve(self, session: AsyncSession, payload: PayloadT, submission: Submission) -> SubjectT:
        """Find whom and what the payload names in the organisation as it is now. Raises a DomainError if it cannot."""

    @abstractmethod
    async def check(self, session: AsyncSession, subject: SubjectT, submission: Submission) -> None:
        """Raise a DomainError when nobody may apply for this now."""

    async def details(self, _session: AsyncSession, _payload: PayloadT, _subject: SubjectT) -> Details:
        """What approvers should know of whom it is about: from the contact book, or as the application says it."""
        return Details()

    def requires(self, _policy: Policy, _subject: SubjectT) -> Sequence[Requirement]:
        """What the application must say."""
        return ()

    def applied_by(self, _policy: Policy, _subject: SubjectT) -> Sequence[Expression] | None:
        """Who may apply for somebody else. None: everybody."""
        return None

    @abstractmethod
    def steps(self, policy: Policy, subject: SubjectT) -> Sequence[StepRule]:
        """The steps that the policy asks for. Without steps the request is approved at once."""

    @abstractmethod
    def subject_key(self, subject: SubjectT) -> str:
        """What it is about, as a key: there is at most one open request per kind and key."""

    @abstractmethod
    async def describe(self, session: AsyncSession, subject: SubjectT, submission: Submission) -> RequestText:
        """What people read of it."""

    @abstractmethod
    async def approved(
        self, session: AsyncSession, request: Request, subject: SubjectT, *, actor: Actor, now: datetime
    ) -> None:
        """Carry it out, in the transaction of the last decision. It may write rows and ledger calls; it never calls
        the platform. A retry of a failed outcome calls it again, and it makes new ledger calls each time.
        """

    async def offer(self, _session: AsyncSession, _subject: SubjectT, _submission: Submission) -> Offer | None:
        """What somebody takes on when it is approved. Nothing, unless the kind knows better."""
        return None

    def taken_on_by(self, subject: SubjectT, _person_id: UUID) -> SubjectT:
        """The subject with who takes on what `offer` names."""
        return subject

    async def rejected(
        self, session: AsyncSession, request: Request, subject: SubjectT, *, actor: Actor, now: datetime
    ) -> None:
        """A rejected request changes nothing by default. The engine tells the applicant."""

    async def headed_by(self, _session: AsyncSession, _subject: SubjectT, requester: Person) -> Headed:
        """Whose head the approver `department_head` names: the applicant's, unless the kind knows better."""
        return Headed(requester)

    @abstractmethod
    async def group_administrators(self, session: AsyncSession, subject: SubjectT) -> Sequence[PersonId]:
        """Whom the approvers `group_administrator` and `group_owner` name."""

    def lists(self, _subject: SubjectT) -> Collection[UUID]:
        """People whom the application names one by one: cards say some and how many, pages say all."""
        return ()

    @abstractmethod
    def concerns(self, subject: SubjectT) -> Collection[UUID]:
        """Whom it is about besides the applicant. They do not decide it either (F56): otherwise anybody could ask a
        colleague to apply for them and approve it themselves.
        """


def kind_named(session: AsyncSession, name: str) -> RequestKind[Any, Any]:
    """The kind that a domain registered under this name. Raises UnknownKind with the names that exist."""
    kinds: Mapping[str, RequestKind[Any, Any]] = registry_of(session).kinds
    if name not in kinds:
        raise _unknown(name, kinds)
    return kinds[name]


def kind_applied_for(session: AsyncSession, name: str) -> RequestKind[Any, Any]:
    """The same, for an application: what the service asks by itself is no kind that somebody could apply for."""
    kind = kind_named(session, name)
    if not kind.is_applied_for:
        raise _unknown(name, registry_of(session).kinds)
    return kind


def names_applied_for(session: AsyncSession) -> list[str]:
    """The kinds that people apply for. The others are what the service asks by itself."""
    return sorted(name for name, kind in registry_of(session).kinds.items() if kind.is_applied_for)


def _unknown(name: str, kinds: Mapping[str, RequestKind[Any, Any]]) -> UnknownKind:
    known = sorted(one.name for one in kinds.values() if one.is_applied_for)
    return UnknownKind(
        f"没有{quoted(name)}这种申请；有：{'、'.join(known)}",
        f"There is no kind of request {quoted(name)}; there are {', '.join(known)}",
        known=known,
    )
