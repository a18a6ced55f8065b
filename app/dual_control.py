"""Dual control (F197): acts that one person asks for and another confirms, as domains say them in their manifests.

Below everything, because the policy names the acts, and the domains whose acts they are stand above and below
`app.confirmations`, which asks and confirms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.permissions import Permission, Words


class TwoPersonAct(StrEnum):
    """The grammar of the acts, as the policy names them (`access.two_person`)."""

    POLICY_ACTIVATE = "policy.activate"
    ANNOUNCE_TO_EVERYBODY = "announcement.everyone"
    KEY_CREATE = "key.create"
    KEY_CHANGE = "key.change"
    KEY_END = "key.end"
    SYNC_RELEASE = "sync.release"
    ACCESS_GRANT = "access.grant"
    PERSON_ERASE = "person.erase"  # named so that a policy can list it: nothing erases people yet


@dataclass(frozen=True)
class Needs:
    """What one act asks of both people beside the permission of its kind, by what it is about."""

    permissions: Mapping[Permission, Words] = field(default_factory=dict)
    """Held in the whole company as well, and why."""
    not_by: frozenset[UUID] = frozenset()
    """People whom it gives something: neither asks nor confirms."""


@dataclass(frozen=True, kw_only=True)
class TwoPersonHandler:
    """How one of the acts is checked, told and carried out. Payloads are stored, and read again by a later release."""

    title: Words
    """What people confirm: 启用制度."""
    permission: Permission
    """Who holds it in the whole company may ask, and another of them confirms."""
    payload: type[BaseModel]
    describe: Callable[..., Awaitable[list[tuple[str, str]]]]
    """`(session, payload, *, asker, now)`: what people read before they confirm. Refuses what could not be done now."""
    carry_out: Callable[..., Awaitable[str]]
    """`(session, payload, *, asker, now)` in the confirming transaction; `asker` is the person. Answers with the id of
    what it made or changed."""
    prepare: Callable[[Any], tuple[Any, str]] | None = None
    """`(payload)` → the payload with what is drawn when it is asked, and a secret that the asker is shown once."""
    needs: Callable[..., Awaitable[Needs]] | None = None
    """`(session, payload, *, now)`"""
    check_asker: Callable[..., Awaitable[None]] | None = None
    """`(session, payload, *, asker, now)`: refuses what goes further than the asker's own."""
