"""Policy versions and checks as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.policy.differences import Change
from app.policy.errors import Fault
from app.policy.schemas import ChangeOut, CheckOut, FaultOut, PolicyVersionDetail, PolicyVersionOut
from models.policy import PolicyVersion


def versions(rows: Sequence[PolicyVersion]) -> list[PolicyVersionOut]:
    return [version(row) for row in rows]


def version(row: PolicyVersion) -> PolicyVersionOut:
    return PolicyVersionOut.model_validate(row, from_attributes=True)


def detail(row: PolicyVersion) -> PolicyVersionDetail:
    return PolicyVersionDetail.model_validate(row, from_attributes=True)


def check(faults: Sequence[Fault], changes: Sequence[Change]) -> CheckOut:
    return CheckOut(
        faults=[FaultOut.model_validate(fault, from_attributes=True) for fault in faults],
        changes=[ChangeOut.model_validate(change, from_attributes=True) for change in changes],
    )
