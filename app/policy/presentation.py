"""Policy versions and checks as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.policy.schemas import (
    ChangeOut,
    CheckOut,
    ClauseDetail,
    FaultOut,
    PolicyClausesOut,
    PolicyVersionDetail,
    PolicyVersionOut,
)
from app.policy.sections.clauses import CarriedOut
from app.policy.service import Clause, Policy, Preview, clauses
from models.policy import PolicyVersion


def versions(rows: Sequence[PolicyVersion]) -> list[PolicyVersionOut]:
    return [version(row) for row in rows]


def version(row: PolicyVersion) -> PolicyVersionOut:
    return PolicyVersionOut.model_validate(row, from_attributes=True)


def detail(row: PolicyVersion) -> PolicyVersionDetail:
    return PolicyVersionDetail.model_validate(row, from_attributes=True)


def clauses_of(policy: Policy) -> PolicyClausesOut:
    return PolicyClausesOut(
        policy_version=policy.number,
        title=policy.document.title,
        clauses=[_clause(one) for one in clauses(policy.document)],
    )


def _clause(one: Clause) -> ClauseDetail:
    manner = one.carried_out.model_dump() if one.carried_out else dict.fromkeys(CarriedOut.model_fields)
    return ClauseDetail(clause=one.clause, text=one.text, rules=list(one.rules), **manner)


def check(preview: Preview) -> CheckOut:
    return CheckOut(
        faults=[FaultOut.model_validate(fault, from_attributes=True) for fault in preview.faults],
        changes=[ChangeOut.model_validate(change, from_attributes=True) for change in preview.changes],
        more_changes=preview.more_changes,
        cautions=[FaultOut.model_validate(caution, from_attributes=True) for caution in preview.cautions],
    )
