"""What all scripting routes share: the state, and how refusals are answered."""

import logging
from typing import Annotated

from fastapi import Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from sandbox.company import Person
from sandbox.errors import PlatformError
from sandbox.organisation import Organisation
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState


async def sandbox_state(request: Request) -> SandboxState:
    state: SandboxState = request.app.state.sandbox
    return state


StateDep = Annotated[SandboxState, Depends(sandbox_state)]


async def human_acts(state: StateDep) -> Organisation:
    """The organisation as people change it: the contacts channel hears of it."""
    return Organisation(state, echo=True)


OrganisationDep = Annotated[Organisation, Depends(human_acts)]


async def named_person(state: StateDep, userid: Annotated[str, Path()]) -> Person:
    return state.company.person(userid)


PersonDep = Annotated[Person, Depends(named_person)]


class Body(BaseModel):
    """A request body that refuses unknown names, so that a misspelt knob is noticed."""

    model_config = ConfigDict(extra="forbid")


MALFORMED = (TypeError, ValueError, AttributeError, LookupError)

log = logging.getLogger(__name__)


def add_error_handlers(app: FastAPI) -> None:
    """What a phone or the console would not offer is 409. What is inside a body in the platform's own shape, such as
    `fields` or `contents`, is checked where it is used: of the wrong type it is 422, as anything else in a body.
    """

    async def refused(_request: Request, error: Exception) -> JSONResponse:
        detail = error.text if isinstance(error, PlatformError) else str(error)
        errcode = error.errcode if isinstance(error, PlatformError) else None
        return JSONResponse({"detail": detail, "errcode": errcode}, 409)

    async def malformed(request: Request, error: Exception) -> JSONResponse:
        if request.method == "GET" or not request.url.path.startswith("/sandbox/"):
            raise error
        log.error("malformed body of %s %s", request.method, request.url.path, exc_info=error)
        return JSONResponse({"detail": f"the body does not fit: {type(error).__name__} {error}", "errcode": None}, 422)

    for kind in MALFORMED:
        app.add_exception_handler(kind, malformed)
    app.add_exception_handler(PlatformError, refused)
    app.add_exception_handler(NotPossible, refused)
