"""What all scripting routes share: the state, and how refusals are answered."""

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


def add_error_handlers(app: FastAPI) -> None:
    async def refused(_request: Request, error: Exception) -> JSONResponse:
        detail = error.text if isinstance(error, PlatformError) else str(error)
        errcode = error.errcode if isinstance(error, PlatformError) else None
        return JSONResponse({"detail": detail, "errcode": errcode}, 409)

    app.add_exception_handler(PlatformError, refused)
    app.add_exception_handler(NotPossible, refused)
