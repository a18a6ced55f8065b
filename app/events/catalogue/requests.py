"""What happens to a request that needs approval."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.events.event import Event, RequestRef
from models.audit import ObjectKind


class RequestEvent(Event):
    """Something that happened to a request."""

    about_kind = ObjectKind.REQUEST
    about_field = "request_id"

    request_id: RequestRef
    number: Annotated[int, Field(examples=[12], description="What people call the request by")]
    kind: Annotated[str, Field(examples=["create_group"])]


class StepEvent(RequestEvent):
    """Something that happened to a step of a request."""

    step: Annotated[int, Field(examples=[1], description="Position of the step in its chain, from 1")]


class RequestSubmitted(RequestEvent):
    """A request was submitted, and its first step asks its approvers."""

    type = "request.submitted"


class RequestApproved(RequestEvent):
    """The last step agreed: the request is carried out now."""

    type = "request.approved"


class RequestRejected(RequestEvent):
    """A step said no: the request has ended."""

    type = "request.rejected"


class RequestWithdrawn(RequestEvent):
    """The requester took the request back, or it lapsed when they left."""

    type = "request.withdrawn"


class RequestObjected(RequestEvent):
    """A person whom somebody else's request is about has objected to it; the actor is that person."""

    type = "request.objected"


class RequestDone(RequestEvent):
    """What was approved is so on the platform."""

    type = "request.done"


class RequestFailed(RequestEvent):
    """What was approved could not be done on the platform; it may be retried."""

    type = "request.failed"


class RequestRetried(RequestEvent):
    """Somebody had an approved request carried out once more after a failure."""

    type = "request.retried"


class RequestReminded(StepEvent):
    """The approvers of a step who have not decided were reminded."""

    type = "request.reminded"


class RequestEscalated(StepEvent):
    """A step took too long: the next superior may decide it as well."""

    type = "request.escalated"


class RequestReassigned(StepEvent):
    """An approver left, and others were asked instead."""

    type = "request.reassigned"


class RequestUnstaffed(StepEvent):
    """An approver left, and nobody can be asked instead: an administrator must act."""

    type = "request.unstaffed"


class StepApproved(StepEvent):
    """One approver of a step said yes; the actor is that person."""

    type = "step.approved"


class StepRejected(StepEvent):
    """One approver of a step said no; the actor is that person."""

    type = "step.rejected"


class StepPassed(StepEvent):
    """Nobody decides a step: nobody is above whom it is about, their head has applied, or an offer has no answer."""

    type = "step.passed"


__all__ = [
    "RequestApproved",
    "RequestDone",
    "RequestEscalated",
    "RequestEvent",
    "RequestFailed",
    "RequestObjected",
    "RequestReassigned",
    "RequestRejected",
    "RequestReminded",
    "RequestRetried",
    "RequestSubmitted",
    "RequestUnstaffed",
    "RequestWithdrawn",
    "StepApproved",
    "StepEvent",
    "StepPassed",
    "StepRejected",
]
