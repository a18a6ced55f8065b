"""The addresses of our pages, in one place: pages link by path, cards and the menu by the public address.

A path is a plain function of what it shows. `link` joins it with the setting PUBLIC_URL, which bootstrap gives to every
session, and is None without one: then a card carries no link, and nobody is sent to a page that cannot be reached.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

SESSION_KEY: Final = "public_url"

SIGN_IN: Final = "/sign-in"

ME: Final = "/me"
"""今日: what waits for me."""
ME_APPLY: Final = "/me/apply"
ME_REQUESTS: Final = "/me/requests"
ME_ANNOUNCEMENTS: Final = "/me/announcements"
ME_TASKS: Final = "/me/tasks"
ME_GROUPS: Final = "/me/groups"
ME_ACCOUNT: Final = "/me/account"
ME_CONFIRMATIONS: Final = "/me/confirmations"

CONSOLE: Final = "/console"
CONSOLE_REQUESTS: Final = "/console/requests"
CONSOLE_GROUPS: Final = "/console/groups"
CONSOLE_FINDINGS: Final = "/console/groups/findings"
CONSOLE_ANNOUNCEMENTS: Final = "/console/announcements"
CONSOLE_TASKS: Final = "/console/tasks"
CONSOLE_PEOPLE: Final = "/console/people"
CONSOLE_RETURNED: Final = "/console/people/returned"
CONSOLE_DEPARTMENTS: Final = "/console/departments"
CONSOLE_ACCESS: Final = "/console/access"
CONSOLE_DELIVERIES: Final = "/console/deliveries"
CONSOLE_CALLS: Final = "/console/calls"
CONSOLE_CALLBACKS: Final = "/console/callbacks"
CONSOLE_SYNC: Final = "/console/sync"
CONSOLE_TRACE: Final = "/console/trace"
CONSOLE_POLICY: Final = "/console/policy"
CONSOLE_CALENDAR: Final = "/console/calendar"
CONSOLE_QUOTA: Final = "/console/quota"
CONSOLE_AUDIT: Final = "/console/audit"
CONSOLE_KEYS: Final = "/console/keys"
CONSOLE_DOCTOR: Final = "/console/doctor"
CONSOLE_SETTINGS: Final = "/console/settings"


def me_apply(kind: str) -> str:
    """The form of one kind of request: `join`, `exit`, `create_group`."""
    return f"{ME_APPLY}/{kind}"


def me_request(request_id: UUID) -> str:
    return f"{ME_REQUESTS}/{request_id}"


def me_announcement(announcement_id: UUID) -> str:
    return f"{ME_ANNOUNCEMENTS}/{announcement_id}"


def me_task(task_id: UUID) -> str:
    return f"{ME_TASKS}/{task_id}"


def me_confirmation(confirmation_id: UUID) -> str:
    """An act that one person asks for and another confirms."""
    return f"{ME_CONFIRMATIONS}/{confirmation_id}"


def me_group(group_id: UUID) -> str:
    return f"{ME_GROUPS}/{group_id}"


def console_request(request_id: UUID) -> str:
    return f"{CONSOLE_REQUESTS}/{request_id}"


def console_group(group_id: UUID) -> str:
    return f"{CONSOLE_GROUPS}/{group_id}"


def console_announcement(announcement_id: UUID) -> str:
    return f"{CONSOLE_ANNOUNCEMENTS}/{announcement_id}"


def console_task(task_id: UUID) -> str:
    return f"{CONSOLE_TASKS}/{task_id}"


def console_person(person_id: UUID) -> str:
    return f"{CONSOLE_PEOPLE}/{person_id}"


def console_department(department_id: int) -> str:
    """By the number that the platform gives it."""
    return f"{CONSOLE_DEPARTMENTS}/{department_id}"


def console_delivery(delivery_id: int) -> str:
    return f"{CONSOLE_DELIVERIES}/{delivery_id}"


def console_call(call_id: UUID) -> str:
    return f"{CONSOLE_CALLS}/{call_id}"


def console_callback(event_id: int) -> str:
    return f"{CONSOLE_CALLBACKS}/{event_id}"


def console_sync_run(run_id: UUID) -> str:
    return f"{CONSOLE_SYNC}/{run_id}"


def absolute(home: str, path: str) -> str:
    """`home` is PUBLIC_URL: it may end in a path of its own, and never in a slash."""
    return f"{home}{path}"


def public_url(session: AsyncSession) -> str | None:
    known: str | None = session.info.get(SESSION_KEY)
    return known


def link(session: AsyncSession, path: str) -> str | None:
    """Where a phone opens the page, or None while PUBLIC_URL is not set."""
    home = public_url(session)
    return absolute(home, path) if home else None
