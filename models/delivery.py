"""The outgoing ledger, three tables (D6): what is said, each call that says it, and who it reached."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Uuid, text
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import (
    choice,
    document,
    moment,
    optional_document,
    optional_moment,
    optional_ref,
    platform_number,
    ref,
    serial_key,
    uuid_key,
)


class MessageClass(StrEnum):
    """The classes that the service itself speaks in. Announcements have those of the policy besides (3.2)."""

    WORK = "work"  # asks somebody to act
    NOTICE = "notice"  # tells what has happened or fallen due, at any time outside of the rest period
    ANSWER = "answer"  # answers what a person has just done, so it may come at any hour


class Message(Table, table=True):
    """Content, once, however many people and parts it goes to."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_origin", "origin_kind", "origin_id"),)

    id: UUID = uuid_key()
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, nullable=False, server_default=text("nextval('message_numbers')"))
    )
    """No longer read or written: processes of the release before, which still serve during an upgrade, need it."""
    origin_kind: str
    """What it belongs to: `request`, `announcement`, `task`, `group`."""
    origin_id: str
    purpose: str
    """`approval.card`, `announcement.card`, `announcement.chase`, `task.card` …"""
    content: dict[str, Any] = document()
    message_class: str
    """The policy's class (urgent, work …): decides hours and quiet time when it goes."""
    audience: int
    """How many (part, person) pairs: sent + failed + unknown + held add up to this at every moment (P3)."""
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    actor: str
    """Who caused it, as `kind:id`."""
    correlation_id: str
    created_at: datetime = moment()


class CallKind(StrEnum):
    """Every mutating call we make, by its path on the platform."""

    MESSAGE_SEND = "message/send"
    CARD_UPDATE = "message/update_template_card"
    APPCHAT_CREATE = "appchat/create"
    APPCHAT_UPDATE = "appchat/update"
    APPCHAT_SEND = "appchat/send"
    MENU_CREATE = "menu/create"
    MEDIA_UPLOAD = "media/upload"


class CallState(StrEnum):
    READY = "ready"  # may go
    HELD = "held"  # may not go yet: quiet hours, a limit, a parent that has not finished
    SENDING = "sending"  # claimed; if its worker dies the outcome is unknown
    DONE = "done"
    FAILED = "failed"  # refused by the platform, for good
    UNKNOWN = "unknown"  # it may have had its effect: never blindly repeated (P3), waits for recovery or a person
    REPLACED = "replaced"  # a later attempt carries on (its previous_id points here)


class HoldReason(StrEnum):
    """Why a call, or a recipient of its message, waits."""

    QUEUED = "queued"  # for a worker: the shortest wait
    PREDECESSOR = "predecessor"  # for an earlier call of the same ordering key
    UNKNOWN_BEFORE = "unknown_before"  # for an earlier call of unknown outcome
    QUIET_HOURS = "quiet_hours"  # for the hours in which the policy allows its class
    PLATFORM_LIMIT = "platform_limit"  # for a limit of the platform, or the end of its block
    PLATFORM_TROUBLE = "platform_trouble"  # for the network, the platform, or the app's token, address or rights
    MEMBER_LIMIT = "member_limit"  # for the limit of one recipient
    RETRYING = "retrying"  # an attempt had no effect and is made again (on rows of earlier versions)
    RECOVERING = "recovering"  # an attempt may have had its effect and is made again


class FailReason(StrEnum):
    """How a call, or a recipient of its message, ended when it did not end well. A refusal by the platform is stored
    as `refused:<errcode>` (`refused_with`).
    """

    LEFT = "left"  # the recipient has no userid any more
    SUPERSEDED = "superseded"  # taken back before it went
    INVALID_USER = "invalid_user"
    UNLICENSED = "unlicensed"
    NOT_REACHED = "not_reached"  # only on rows of earlier versions: such calls wait now
    LARGER_THAN_LIMIT = "larger_than_limit"
    OUTCOME_UNKNOWN = "outcome_unknown"
    ARRIVED_AFTER_ALL = (
        "arrived_after_all"  # a person called it failed or had it made again; a late answer says that it arrived
    )
    RESOLVED_FAILED = "resolved_failed"  # a person says that it had no effect


def refused_with(errcode: int) -> str:
    """The reason of a call that the platform refused."""
    return f"refused:{errcode}"


OPEN_CALLS = "state IN ('ready', 'held', 'sending', 'unknown')"
SENT_TEXTS = "kind = 'message/send' AND task_id IS NULL AND sent_at IS NOT NULL"
ARRIVED_CALLS = "hold_reason = 'arrived_after_all'"
FAILED_CALLS = "state = 'failed'"


class OutgoingCall(Table, table=True):
    """One mutating call to the platform, committed before it is made, with the exact bytes it sends."""

    __tablename__ = "outgoing_calls"
    __table_args__ = (
        one_of("state", CallState),
        one_of("kind", CallKind),
        Index(
            "uq_outgoing_calls_task_id", "app_id", "task_id", unique=True, postgresql_where=text("task_id IS NOT NULL")
        ),
        Index("ix_outgoing_calls_ordering", "ordering_key", "id"),
        Index("ix_outgoing_calls_sent", "app_id", "kind", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
        Index("ix_outgoing_calls_texts", "request_sha256", postgresql_where=text(SENT_TEXTS)),
        Index("ix_outgoing_calls_open", "state", "not_before", postgresql_where=text(OPEN_CALLS)),
        Index("ix_outgoing_calls_subject", "subject_kind", "subject_id"),
        Index("ix_outgoing_calls_failed", "finished_at", postgresql_where=text(FAILED_CALLS)),
        Index("ix_outgoing_calls_arrived", "id", postgresql_where=text(ARRIVED_CALLS)),
        Index("ix_outgoing_calls_limited", "limit_key", "id", postgresql_where=text("limit_key IS NOT NULL")),
    )

    id: UUID = uuid_key()
    app_id: str = Field(foreign_key="apps.id")
    kind: CallKind = choice(CallKind)
    purpose: str
    """Which of our acts it is, `noun.verb`: `group.create`, `approval.card` …
    It names the function that hears the outcome."""
    subject_kind: str
    subject_id: str
    """What it acts on: `group` + id, `message` + id, `card` + call id."""
    message_id: UUID | None = optional_ref("messages.id")
    part: int = Field(default=1)
    request_body: bytes = Field(sa_type=LargeBinary)
    request_sha256: bytes = Field(sa_type=LargeBinary)
    task_id: str | None = Field(default=None)
    """The card's task_id: unique per app, new for every call."""
    ordering_key: str | None = Field(default=None)
    """Calls of one key go one after another, in the order of their ids (`group:…`). A call that replaces another takes
    the id next to it (`rules.id_beside`), and so its place."""
    state: CallState = choice(CallState, CallState.READY)
    hold_reason: str | None = Field(default=None)
    """Why it waits (`HoldReason`), or how it ended when it did not end well (`FailReason`)."""
    not_before: datetime | None = optional_moment()
    attempts: int = Field(default=0)
    leased_until: datetime | None = optional_moment()
    sent_at: datetime | None = optional_moment()
    """The first attempt that may have had its effect: the platform's duplicate window counts from here. Empty again
    when the answer, or a connection that was never made, says that there was no effect."""
    reserved_at: datetime | None = optional_moment()
    """When the platform's limits were charged for the attempt under way. Empty when none is."""
    limit_key: str | None = Field(default=None)
    """The limit it waits for, `message.member.minute` …, while it is held by one."""
    limit_amount: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """What it takes of the limit that is counted in people: recipients, or members of the group."""
    finished_at: datetime | None = optional_moment()
    errcode: int | None = platform_number(None)
    error: str | None = Field(default=None)
    answer: dict[str, Any] | None = optional_document()
    """The parsed answer without the fields that have columns."""
    msgid: str | None = Field(default=None)
    response_code: str | None = Field(default=None)
    response_code_expires_at: datetime | None = optional_moment()
    response_code_spent_at: datetime | None = optional_moment()
    previous_id: UUID | None = optional_ref("outgoing_calls.id")
    policy_version_id: UUID | None = optional_ref("policy_versions.id", index=False)
    rule_key: str | None = Field(default=None)
    actor: str
    """Who caused it, as `kind:id`."""
    correlation_id: str = Field(index=True)
    created_at: datetime = moment()


class DeliveryState(StrEnum):
    """A recipient of a message is in exactly one of these (P3)."""

    HELD = "held"  # why and until when stand beside it; `queued` is the shortest hold
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Delivery(Table, table=True):
    """One row per (message, part, person); it points to the call that carries it now."""

    __tablename__ = "deliveries"
    __table_args__ = (
        one_of("state", DeliveryState),
        Index("uq_deliveries_recipient", "message_id", "part", "person_id", unique=True),
        # Block ranges: an index of any other kind that knows the state would make each change of it rewrite all of
        # them. With half of every page left free, the change stays in its page (HOT).
        Index("ix_deliveries_state", "state", postgresql_using="brin", postgresql_with={"autosummarize": True}),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    id: int | None = serial_key()
    message_id: UUID = ref("messages.id", index=False)
    part: int = Field(default=1)
    person_id: UUID = ref("people.id")
    call_id: UUID | None = optional_ref("outgoing_calls.id")
    state: DeliveryState = choice(DeliveryState, DeliveryState.HELD)
    reason: str = Field(default=HoldReason.QUEUED)
    """Why it is held (`HoldReason`) or failed (`FailReason`); empty when it was sent."""
    until: datetime | None = optional_moment()
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    actor: str
    correlation_id: str
    updated_at: datetime = moment()


COUNTED_FROM: Final = 1_000
"""Recipients of a message in `delivery_counts`. Of smaller ones the rows themselves are counted."""


class DeliveryCount(Table, table=True):
    """How many recipients of a large message are in a state: the sum of all rows of that state.

    A trigger on `deliveries` adds to a row that nobody holds, and so never waits: a single row may be below zero.
    """

    __tablename__ = "delivery_counts"
    __table_args__ = {"postgresql_with": {"fillfactor": "50"}}  # noqa: RUF012 -- SQLAlchemy's form

    id: int | None = serial_key()
    message_id: UUID = Field(sa_type=Uuid, index=True)
    state: DeliveryState = choice(DeliveryState)
    recipients: int


class CardClick(Table, table=True):
    """A click on a card and the code it brought: 72 h, one use (messaging §1.5).

    No foreign keys: thousands a second are written, each in the transaction that has read, or written, the rows it
    names; nothing deletes these.
    """

    __tablename__ = "card_clicks"
    __table_args__ = (Index("ix_card_clicks_call", "call_id", "received_at"),)

    id: int | None = serial_key()
    event_id: int = Field(sa_type=BigInteger, unique=True)
    """The received event: a replay finds its click again."""
    call_id: UUID = Field(sa_type=Uuid)
    person_id: UUID = Field(sa_type=Uuid)
    event_key: str
    response_code: str
    received_at: datetime = moment()
    expires_at: datetime = moment()
    spent_at: datetime | None = optional_moment()
    shown_by_id: UUID | None = Field(default=None, sa_type=Uuid)
    """The card update that shows this click its outcome; one update may do so for many clicks."""
