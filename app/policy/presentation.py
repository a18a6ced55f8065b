"""Policy versions and checks as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.policy.schemas import (
    ChangeOut,
    CheckOut,
    ClauseDetail,
    FaultOut,
    PolicyVersionDetail,
    PolicyVersionOut,
)
from app.policy.sections.clauses import CarriedOut
from app.policy.service import Change, Clause, Policy, Preview, clauses
from app.web.pagination import Page, PageQuery, slice_of
from models.policy import PolicyVersion


def versions(rows: Sequence[PolicyVersion]) -> list[PolicyVersionOut]:
    return [version(row) for row in rows]


def version(row: PolicyVersion) -> PolicyVersionOut:
    return PolicyVersionOut.model_validate(row, from_attributes=True)


def detail(row: PolicyVersion) -> PolicyVersionDetail:
    return PolicyVersionDetail.model_validate(row, from_attributes=True)


def clauses_of(policy: Policy, page: PageQuery) -> Page[ClauseDetail]:
    """A page of the clauses, in the order of the document."""
    found, next_cursor = slice_of(clauses(policy.document), policy.number, page=page)
    return Page(items=[_clause(policy, one) for one in found], next_cursor=next_cursor)


def _clause(policy: Policy, one: Clause) -> ClauseDetail:
    manner = one.carried_out.model_dump() if one.carried_out else dict.fromkeys(CarriedOut.model_fields)
    return ClauseDetail(policy_version=policy.number, clause=one.clause, text=one.text, rules=list(one.rules), **manner)


def changes(found: Sequence[Change], *, older: int, newer: int, page: PageQuery) -> Page[ChangeOut]:
    """A page of them, in the order of the document."""
    rows, next_cursor = slice_of(found, older * _APART + newer, page=page)
    return Page(items=_changes(rows), next_cursor=next_cursor)


_APART = 1_000_000
"""Two versions have one number together, by which a cursor knows its list."""


def _changes(rows: Sequence[Change]) -> list[ChangeOut]:
    return [ChangeOut.model_validate(change, from_attributes=True) for change in rows]


def check(preview: Preview) -> CheckOut:
    return CheckOut(
        faults=[FaultOut.model_validate(fault, from_attributes=True) for fault in preview.faults],
        changes=_changes(preview.changes),
        more_changes=preview.more_changes,
        cautions=[FaultOut.model_validate(caution, from_attributes=True) for caution in preview.cautions],
        more_cautions=preview.more_cautions,
    )
