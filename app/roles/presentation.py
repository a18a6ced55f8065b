"""Who is meant, as REST shows it."""

from __future__ import annotations

from collections.abc import Sequence

from app.policy.service import Policy
from app.roles.schemas import HolderOut, MeantOut
from app.roles.service import Meant


def meant(policy: Policy, found: Sequence[Meant]) -> list[MeantOut]:
    return [
        MeantOut(
            policy_version=policy.number,
            expression=str(one.expression),
            title=one.chinese,
            places=list(one.places),
            count=one.count,
            people=[
                HolderOut(userid=person.userid, name=person.name, departments=list(person.departments))
                for person in one.people
            ],
        )
        for one in found
    ]
