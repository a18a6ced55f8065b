"""A house with one thing of every kind that a page is about, and somebody who may see all of it."""

from __future__ import annotations

from datetime import timedelta

from app.access import service as access
from app.audit.actor import SYSTEM
from app.bootstrap import Services
from app.confirmations import service as confirmations
from app.confirmations.service import Wish
from app.database import transaction
from app.dual_control import TwoPersonAct
from app.limits.catalogue import LIMITS
from app.observability import bound_correlation
from app.policy.document import default_source
from models.delivery import DeliveryState
from tests.company import Company
from tests.pages.every_address import Ids
from tests.pages.furnished import Furniture, furnish
from tests.pages.operations import deliveries_of, ended, held_run, let, message_to, parked_event

OF_THE_HOUSE = "trace-of-the-house"
"""Under which everything was furnished: causes, calls and what waits."""

READER = "wang"
"""Head of research, owner of a group, decider of a request, and administrator of the whole company."""


async def everything(services: Services, company: Company) -> tuple[Furniture, Ids]:
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        with bound_correlation(OF_THE_HOUSE):
            things = await furnish(session, company, now=now)
    await let(services, company, READER, "administrator")
    await let(services, company, "zhao", "administrator")
    async with transaction(services.sessions) as session:
        wish = Wish(TwoPersonAct.POLICY_ACTIVATE, {"source": default_source() + "\n# 修订"}, company.zhao, "年度修订")
        confirmation = (await confirmations.ask(session, wish, now=now)).row.id
        key, _ = await access.create_key(
            session, name="报表系统", scopes=["groups:read"], actor=SYSTEM, now=now, expires_at=now + timedelta(days=90)
        )
    message = await message_to(services, company, ["li", "chen"])
    call = await ended(services, message, DeliveryState.FAILED, "refused:60011", 60011)
    unknown = await ended(services, await message_to(services, company, ["li"]), DeliveryState.UNKNOWN, "timeout")
    deliveries = await deliveries_of(services, message)
    return things, {
        "request_id": [str(things.join)],
        "group_id": [str(things.group)],
        "announcement_id": [str(things.to_research)],
        "task_id": [str(things.task)],
        "confirmation_id": [str(confirmation)],
        "kind": ["join", "exit", "create_group"],
        "person_id": [str(company.li.id)],
        "department_id": ["2"],
        "delivery_id": [str(deliveries[0].id)],
        "call_id": [str(call), str(unknown)],
        "event_id": [str(await parked_event(services))],
        "run_id": [str(await held_run(services))],
        "number": ["1"],
        "day": [now.date().isoformat()],
        "key": [next(iter(LIMITS))],
        "key_id": [str(key.id)],
        "correlation_id": ["trace-of-a-callback", OF_THE_HOUSE],
    }
