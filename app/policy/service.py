"""The policy in force, its clauses and its versions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.audit.why import Why
from app.dual_control import TwoPersonAct
from app.events.service import catalogue, publish
from app.manifest import registry_of
from app.permissions import Words
from app.policy import document as documents
from app.policy import queries
from app.policy.differences import Change, about_rights, diff_aside
from app.policy.document import LARGEST_SOURCE, default_source
from app.policy.errors import (
    AlreadyScheduled,
    EffectiveInThePast,
    Fault,
    FaultyPolicy,
    NoPolicyInForce,
    TwoPeopleNeeded,
    UnknownRule,
    VersionNotFound,
)
from app.policy.expressions import expressions_in
from app.policy.rule_keys import PLATFORM_RULES, RULES, words_of
from app.policy.rules import ClauseChanges, by_clause
from app.policy.schema import PolicyDocument
from app.policy.sections.clauses import CarriedOut
from app.settings_files import FaultyFile, read_small_file
from app.web.pagination import PageQuery, paginate
from models.ids import PolicyVersionId, new_id
from models.policy import PolicyVersion

__all__ = [
    "MOST_CAUTIONS",
    "Change",
    "Citation",
    "ClauseChanges",
    "Draft",
    "Fault",
    "FaultPlace",
    "Policy",
    "VersionPage",
    "about_rights",
    "apply",
    "cautions_about",
    "changes_between",
    "check",
    "check_alone",
    "clauses",
    "default_document",
    "draft",
    "ensure_first_version",
    "expressions_in",
    "get",
    "in_force",
    "needs_two_people",
    "parse",
    "policy_numbered",
    "preview",
    "source_of",
    "version_numbered",
    "versions_listed",
    "warning_about",
    "words_of",
]


@dataclass(frozen=True, slots=True)
class Citation:
    """What a decision rests on, as the company's own document numbers and words it."""

    rule_key: str
    clause: str
    """Empty for what the platform decides."""
    text: str
    policy_version: int

    @property
    def label(self) -> str:
        """For cards and messages: 第 3.6 条."""
        return f"第 {self.clause} 条" if self.clause else "企业微信的规定"

    @property
    def english(self) -> str:
        """`label` for refusals in English: clause 3.6."""
        return f"clause {self.clause}" if self.clause else "a rule of WeCom"

    @property
    def sentence(self) -> str:
        """Below what people are told: 依据制度第 3.6 条：…"""
        return f"依据制度{self.label}：{self.text}" if self.clause else self.text


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the document, with how it is carried out and the rules of the service that rest on it."""

    clause: str
    text: str
    rules: tuple[str, ...]
    """Rule keys, in the order of the document."""
    carried_out: CarriedOut | None
    """None in a version that is older than this statement."""

    @property
    def rule_words(self) -> list[Words]:
        """The rules for people: 入群审批."""
        return [words_of(key) for key in self.rules]


@dataclass(frozen=True, slots=True)
class Policy:
    """An immutable version of the policy."""

    id: PolicyVersionId
    number: int
    document: PolicyDocument

    def cite(self, rule_key: str) -> Citation:
        """The clause behind a rule key, or the platform's own rule.

        A version that is older than the key cites what the service cited then. Raises `UnknownRule` when this version
        maps neither.
        """
        if rule_key in PLATFORM_RULES:
            return Citation(rule_key, "", PLATFORM_RULES[rule_key], self.number)
        rules = self.document.rules
        rule = RULES.get(rule_key)
        clause = rules.get(rule_key) or (rules.get(rule.formerly) if rule and rule.formerly else None)
        if clause is None:
            raise UnknownRule(
                f"制度第 {self.number} 版没有写明规则 {rule_key} 依据哪一条",
                f"Version {self.number} of the policy does not say on which clause the rule {rule_key} rests",
                rule_key=rule_key,
            )
        return Citation(rule_key, clause, self.document.clauses[clause], self.number)


@cache
def default_document() -> PolicyDocument:
    """The one that ships with the service. Raises `FaultyPolicy` if it does not hold what it must."""
    return parse(default_source())


def clauses(document: PolicyDocument) -> list[Clause]:
    """Every clause in the order of the document (P8)."""
    resting: dict[str, list[str]] = {}
    for key, number in document.rules.items():
        resting.setdefault(number, []).append(key)
    return [
        Clause(number, text, tuple(resting.get(number, ())), document.carried_out.get(number))
        for number, text in document.clauses.items()
    ]


# ---------------------------------------------------------------- asking

# Versions are immutable, so a version once read never has to be read again.
_known: dict[PolicyVersionId, Policy] = {}
_MOST_KNOWN = 100


async def in_force(session: AsyncSession, *, now: datetime) -> Policy:
    """The version in force at `now`. One short query; the document itself comes from the cache."""
    version_id = await queries.id_in_force(session, now=now)
    if version_id is None:
        raise NoPolicyInForce(
            "还没有生效的制度，请运行 steward policy apply 文件", "No policy is in force: run steward policy apply FILE"
        )
    return await get(session, PolicyVersionId(version_id))


async def get(session: AsyncSession, version_id: PolicyVersionId) -> Policy:
    """A version by its id: what a request was submitted under."""
    known = _known.get(version_id)
    if known is not None:
        return known
    row = await queries.version(session, version_id)
    if row is None:
        raise VersionNotFound("没有这个制度版本", "There is no such version of the policy", version_id=str(version_id))
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    policy = Policy(version_id, row.number, PolicyDocument.model_validate(row.document))
    _known[version_id] = policy
    return policy


async def needs_two_people(session: AsyncSession, act: TwoPersonAct, *, now: datetime) -> bool:
    """Whether one person asks for it on a page and another confirms (F197)."""
    access = (await in_force(session, now=now)).document.access
    return access is not None and act in access.two_person


async def check_alone(session: AsyncSession, act: TwoPersonAct, *, now: datetime, in_a_name: bool = False) -> None:
    """An API key does this by itself. Raises `TwoPeopleNeeded` where the policy wants two people of keys, too; in a
    person's name, wherever it wants them of people.
    """
    access = (await in_force(session, now=now)).document.access
    if access is not None and (in_a_name or access.two_person_keys) and act in access.two_person:
        raise TwoPeopleNeeded(
            "按制度这件事需要两个人：请用 POST /confirmations 提出，由另一个人确认",
            "The policy wants two people for this: ask with POST /confirmations, and another person confirms",
            act=act.value,
        )


# ---------------------------------------------------------------- versions


async def version_numbered(session: AsyncSession, number: int) -> PolicyVersion:
    """The row of a version, with its source. Raises `VersionNotFound`."""
    row = await queries.version_numbered(session, number)
    if row is None:
        raise VersionNotFound(f"没有制度第 {number} 版", f"There is no version {number} of the policy", number=number)
    return row


@dataclass(frozen=True, slots=True)
class VersionPage:
    items: list[PolicyVersion]
    next_cursor: str | None


async def versions_listed(session: AsyncSession, *, page: PageQuery) -> VersionPage:
    """The newest first."""
    rows, cursor = await paginate(session, queries.all_versions(), col(PolicyVersion.number), page=page)
    return VersionPage(rows, cursor)


async def policy_numbered(session: AsyncSession, number: int) -> Policy:
    """Raises `VersionNotFound`."""
    row = await version_numbered(session, number)
    return await get(session, PolicyVersionId(row.id))


async def changes_between(session: AsyncSession, older: int, newer: int) -> list[Change]:
    """What one version says otherwise than another, in the order of the document. Raises `VersionNotFound`."""
    before = await policy_numbered(session, older)
    after = await policy_numbered(session, newer)
    return await diff_aside(before.document, after.document)


def source_of(policy_file: Path | None) -> str:
    """What POLICY_FILE names, or the default policy. Raises `FaultyPolicy` when the file cannot be read."""
    if policy_file is None:
        return default_source()
    try:
        text = read_small_file(policy_file, largest=LARGEST_SOURCE, instead_of="制度")
    except FaultyFile as fault:
        raise FaultyPolicy(
            f"{fault} (cannot read the policy file)",
            f"The policy file must be readable UTF-8 text of {LARGEST_SOURCE} bytes at most",
        ) from None
    # As a text file is read: what Windows' editor saved is the same version as before.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check(source: str) -> list[Fault]:
    """Every fault of a document; none means it can be applied."""
    return documents.read(source).faults


def parse(source: str) -> PolicyDocument:
    """The document, or `FaultyPolicy` naming every fault."""
    return _document_of(documents.read(source))


def _document_of(reading: documents.Reading) -> PolicyDocument:
    if reading.document is None:
        facts = [{"path": fault.path, "message": fault.message} for fault in reading.faults]
        sentences = "；".join(str(fault) for fault in reading.faults)
        raise FaultyPolicy(
            f"共 {len(facts)} 处：{sentences}",
            f"{len(facts)} faults; `faults` says where, and what in Chinese",
            faults=facts,
        )
    return reading.document


MOST_CHANGES = 1_000
"""Of the default there are a thousand values: more changes than these are another document."""
MOST_CAUTIONS = 100
"""Each is a sentence that somebody reads and does something about."""


@dataclass(frozen=True, slots=True)
class Preview:
    faults: list[Fault]
    """Empty when the document can be applied; only then there is more to say."""
    changes: list[Change]
    cautions: list[Fault]
    """What it says that the organisation does not bear out, such as a role that nobody holds. It can be applied."""
    more_changes: int = 0
    """How many more there are than `changes` tells."""
    more_cautions: int = 0
    """How many more there are than `cautions` tells."""


async def preview(session: AsyncSession, *, source: str, now: datetime) -> Preview:
    """The faults of a document, or what it would change of the policy in force (F119). Stores nothing."""
    reading = await documents.read_aside(source)
    if reading.document is None:
        return Preview(reading.faults, [], [])
    version_id = await queries.id_in_force(session, now=now)
    current = await get(session, PolicyVersionId(version_id)) if version_id else None
    changes = await diff_aside(current.document, reading.document) if current else []
    cautions = await cautions_about(session, reading.document)
    return Preview(
        [],
        changes[:MOST_CHANGES],
        cautions[:MOST_CAUTIONS],
        more_changes=max(len(changes) - MOST_CHANGES, 0),
        more_cautions=max(len(cautions) - MOST_CAUTIONS, 0),
    )


@dataclass(frozen=True, slots=True)
class FaultPlace:
    """A fault with the line where somebody mends it."""

    line: int | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class Draft:
    """A document before it is a version: its faults by line, or what it changes, by clause."""

    faults: list[FaultPlace]
    title: str
    changes: list[ClauseChanges]
    count: int
    """Of all changes, also of those that are not listed."""
    cautions: list[FaultPlace]


async def draft(session: AsyncSession, *, source: str, now: datetime) -> Draft:
    """`preview` as a page shows it. Stores nothing."""
    found = await preview(session, source=source, now=now)
    lines = await documents.aside(documents.lines_of, source)
    placed = [FaultPlace(documents.line_at(one.path, lines), one) for one in [*found.faults, *found.cautions]]
    if found.faults:
        return Draft(placed, "", [], 0, [])
    document = _document_of(await documents.read_aside(source))
    changes = by_clause(found.changes, document)
    return Draft([], document.title, changes, len(found.changes) + found.more_changes, placed)


async def cautions_about(session: AsyncSession, document: PolicyDocument) -> list[Fault]:
    """What every domain has to say of a document, seen from the organisation as it is."""
    return [caution for check in registry_of(session).policy_checks for caution in await check(session, document)]


async def ensure_first_version(
    session: AsyncSession, *, source: str, now: datetime, actor: Actor
) -> PolicyVersion | None:
    """Version 1, on a database that has none; otherwise nothing happens. Safe when several processes start at once."""
    await queries.lock_versions(session)
    if await queries.newest_version(session) is not None:
        return None
    return await _add_version(session, source=source, number=1, effective_at=now, now=now, actor=actor)


async def warning_about(session: AsyncSession, *, source: str) -> str | None:
    """D11: a POLICY_FILE that differs from the newest version is not applied; this says so, for the log at start."""
    newest = await queries.newest_version(session)
    if newest is None or _is_same(newest, source):
        return None
    return (
        f"制度文件与数据库中的第 {newest.number} 版不同，未采用；"
        "要启用请运行 steward policy diff 文件 查看改动，再运行 steward policy apply 文件"
    )


async def apply(
    session: AsyncSession, *, source: str, effective_at: datetime | None = None, now: datetime, actor: Actor
) -> PolicyVersion:
    """A new version, in force from `effective_at` (now, when none is given).

    The same text as the newest version's makes no new version. From its day on the new version replaces every earlier
    one, also one that was scheduled for a later day. Raises `FaultyPolicy`, `EffectiveInThePast`, `AlreadyScheduled`.
    """
    await queries.lock_versions(session)
    newest = await queries.newest_version(session)
    if newest is not None and _is_same(newest, source):
        return _same_again(newest, effective_at=effective_at, now=now)
    if effective_at is not None and effective_at < now:
        raise EffectiveInThePast(
            "制度不能追溯生效，请填写将来的时间，或不填（立即生效）",
            "A policy does not apply to the past: name a moment in the future, or none for at once",
        )
    number = newest.number + 1 if newest else 1
    return await _add_version(
        session, source=source, number=number, effective_at=effective_at or now, now=now, actor=actor
    )


def _same_again(newest: PolicyVersion, *, effective_at: datetime | None, now: datetime) -> PolicyVersion:
    wanted = effective_at or now
    if newest.effective_at > now and wanted != newest.effective_at:
        raise AlreadyScheduled(
            f"同样的文本已是第 {newest.number} 版，定于 {newest.effective_at:%Y-%m-%d %H:%M} UTC 生效；"
            "要改期请修改文本（例如 about）后再启用",
            f"The same text is version {newest.number}, in force from {newest.effective_at:%Y-%m-%d %H:%M} "
            "UTC; to move that, change the text (for example `about`) and apply it again",
            number=newest.number,
        )
    return newest


async def _add_version(
    session: AsyncSession, *, source: str, number: int, effective_at: datetime, now: datetime, actor: Actor
) -> PolicyVersion:
    document = _document_of(await documents.read_aside(source))
    row = PolicyVersion(
        id=new_id(),
        number=number,
        title=document.title,
        document=document.model_dump(mode="json"),
        source=source,
        sha256=hashlib.sha256(source.encode()).hexdigest(),
        effective_at=effective_at.astimezone(UTC),
        created_at=now,
        created_by=str(actor),
    )
    session.add(row)
    await session.flush()
    applied = catalogue.PolicyApplied(policy_version_id=row.id, number=number, effective_at=row.effective_at)
    await publish(session, applied, Why(actor, "policy.apply", row.id), now=now, details={"sha256": row.sha256})
    return row


def _is_same(newest: PolicyVersion, source: str) -> bool:
    """What REST and forms bring has lost the edges of the text: a last empty line makes no other version."""
    return newest.source.strip() == source.strip()
