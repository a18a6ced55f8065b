"""A change of a group is asked for by one call and recorded beside it, for each person; so is what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Update
from sqlalchemy import update as update_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.findings import service as findings
from app.groups import queries
from app.groups.changes.cause import Cause
from app.groups.changes.update import Account, GroupUpdate, PendingChanges
from app.groups.rules import GroupPurpose
from app.ledger import service as ledger
from app.ledger.service import CallRequest
from app.org import queries as org
from models.delivery import CallKind, OutgoingCall
from models.groups import Group, GroupChange, GroupChangeDirection, GroupChangeKind, GroupChangePerson, GroupChangeState
from models.ids import fold


async def order_update(
    session: AsyncSession,
    group: Group,
    update: GroupUpdate,
    *,
    cause: Cause,
    now: datetime,
    previous: GroupChange | None = None,
) -> GroupChange:
    """Ask for the update by one `appchat/update`, in order with everything else that is done to the group.

    `previous` is a refused change of which this update is the missing part.
    """
    group.updated_at = now
    request = CallRequest(
        kind=CallKind.APPCHAT_UPDATE,
        body=_update_request(group, update),
        purpose=GroupPurpose.ROSTER,
        about=findings.about(group),
        why=cause.why,
        ordering_key=f"group:{group.id}",
    )
    call = await ledger.request_call(session, request, now=now)
    return await record_change(session, call, update, now=now, previous=previous)


def _update_request(group: Group, update: GroupUpdate) -> dict[str, Any]:
    fields = {
        "name": update.name,
        "owner": update.owner,
        "add_user_list": [account.userid for account in update.add],
        "del_user_list": [account.userid for account in update.remove],
    }
    return {"chatid": group.chatid, **{field: value for field, value in fields.items() if value}}


_USERID_FIELDS = {
    GroupChangeDirection.ADD: ("userlist", "add_user_list"),
    GroupChangeDirection.REMOVE: ("del_user_list",),
}


async def record_change(
    session: AsyncSession,
    call: OutgoingCall,
    update: GroupUpdate,
    *,
    now: datetime,
    previous: GroupChange | None = None,
) -> GroupChange:
    """Write down beside the call what it asks for, by person. Domain code never reads the call's bytes."""
    change = GroupChange(
        group_id=UUID(call.subject_id),
        call_id=call.id,
        previous_id=previous.id if previous else None,
        kind=GroupChangeKind.CREATE if call.kind is CallKind.APPCHAT_CREATE else GroupChangeKind.UPDATE,
        name=update.name,
        owner_userid=update.owner,
        created_at=now,
    )
    session.add(change)
    await session.flush()
    directions = ((GroupChangeDirection.ADD, update.add), (GroupChangeDirection.REMOVE, update.remove))
    session.add_all(
        GroupChangePerson(
            change_id=change.id,
            person_id=account.person_id,
            userid=fold(account.userid),
            shown=account.userid,
            direction=direction,
        )
        for direction, accounts in directions
        for account in accounts
    )
    await session.flush()
    return change


async def change_of(session: AsyncSession, call: OutgoingCall) -> GroupChange:
    """The change that the call carries: this call asked for it, or one that this call replaced."""
    first = await queries.first_call_of(session, call)
    return await queries.change_asked_for_by(session, first) or await _record_late(session, first)


async def pending_changes(session: AsyncSession, group: Group, *, since: datetime) -> PendingChanges:
    """What our changes of the group concern that may not show in a snapshot begun at `since`."""
    for call in await queries.open_calls(session, group.id):
        await change_of(session, call)
    return await queries.pending_changes(session, group.id, since=since)


async def _record_late(session: AsyncSession, call: OutgoingCall) -> GroupChange:
    """Record the change of a call that has none.

    An upgrade replaces `serve` last (docs/operators.md). Until then one of the release before may ask for changes.
    """
    body = json.loads(call.request_body)
    accounts = {
        direction: tuple([await _account(session, userid) for field in fields for userid in body.get(field, [])])
        for direction, fields in _USERID_FIELDS.items()
    }
    update = GroupUpdate(
        add=accounts[GroupChangeDirection.ADD],
        remove=accounts[GroupChangeDirection.REMOVE],
        owner=body.get("owner"),
        name=body.get("name"),
    )
    return await record_change(session, call, update, now=call.created_at)


async def _account(session: AsyncSession, userid: str) -> Account:
    person = await org.person_by_userid(session, userid) or await org.former_person_of(session, userid)
    return Account(userid, person.id if person else None)


async def settle_change(
    session: AsyncSession, change: GroupChange, state: GroupChangeState, *, now: datetime, error: str | None = None
) -> None:
    """Write down what became of a change, for everybody in it. What is done for somebody stays done."""
    change.settled_at = None if state is GroupChangeState.UNKNOWN else now
    statement = update_rows(GroupChangePerson).where(col(GroupChangePerson.change_id) == change.id)
    await _set_state(session, statement, state, error=error, settled_at=change.settled_at)


async def settle_people(
    session: AsyncSession, change: GroupChange, people: Sequence[Account], *, now: datetime
) -> None:
    """Write down that a change is done for these people; for the others it stays as it is."""
    statement = update_rows(GroupChangePerson).where(
        col(GroupChangePerson.change_id) == change.id,
        col(GroupChangePerson.userid).in_([fold(account.userid) for account in people]),
    )
    await _set_state(session, statement, GroupChangeState.DONE, error=None, settled_at=now)


async def _set_state(
    session: AsyncSession,
    statement: Update,
    state: GroupChangeState,
    *,
    error: str | None,
    settled_at: datetime | None,
) -> None:
    await session.execute(
        statement.where(col(GroupChangePerson.state) != GroupChangeState.DONE)
        .values(state=state, error=error, settled_at=settled_at)
        .execution_options(synchronize_session=False)
    )
