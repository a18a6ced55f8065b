"""Robots in groups, as members add, stop and remove them in the client."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request

from sandbox.control.wiring import Body, StateDep
from sandbox.phone_acts import require_group
from sandbox.robots import Robot, new_robot
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["robots"])


class NewRobot(Body):
    name: str = "消息推送"


def robot_view(request: Request, robot: Robot) -> dict[str, Any]:
    """`url` is what the client shows to whoever added the robot."""
    url = f"{str(request.base_url).rstrip('/')}/cgi-bin/webhook/send?key={robot.key}"
    return {"key": robot.key, "chatid": robot.chatid, "name": robot.name, "disabled": robot.disabled, "url": url}


def _robot(state: SandboxState, key: str) -> Robot:
    robot = state.robots.get(key)
    if robot is None:
        raise HTTPException(404, "no such robot")
    return robot


@router.get("/robots")
async def robots(request: Request, state: StateDep, chatid: str | None = None) -> list[dict[str, Any]]:
    return [robot_view(request, robot) for robot in state.robots.values() if chatid in (None, robot.chatid)]


@router.post("/groups/{chatid}/robots")
async def add(request: Request, chatid: str, body: NewRobot, state: StateDep) -> dict[str, Any]:
    """Any group, also one that people made themselves, which no app can write to."""
    robot = new_robot(require_group(state, chatid).chatid, body.name)
    state.robots[robot.key] = robot
    return robot_view(request, robot)


@router.post("/robots/{key}/disable")
async def disable(request: Request, key: str, state: StateDep) -> dict[str, Any]:
    """From now on 93004."""
    _robot(state, key).disabled = True
    return robot_view(request, _robot(state, key))


@router.post("/robots/{key}/enable")
async def enable(request: Request, key: str, state: StateDep) -> dict[str, Any]:
    _robot(state, key).disabled = False
    return robot_view(request, _robot(state, key))


@router.delete("/robots/{key}")
async def remove(key: str, state: StateDep) -> None:
    """From now on 93000."""
    del state.robots[_robot(state, key).key]
