"""The platform's own knobs: callback addresses, faults, tokens, the clock, the logs."""

import time
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import Field, ValidationError

from sandbox.api.tokens import expire_tokens
from sandbox.config import Channel, Limits, SandboxConfig
from sandbox.control.wiring import Body, StateDep
from sandbox.faults import Fault
from sandbox.pushes import ChannelName, Push
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["platform"])

CHANGEABLE = frozenset(
    [
        "like",
        "unknown_endpoint_errcode",
        "contact_profile",
        "app_created_after_2022",
        "trusted_ips",
        "contacts_trusted_ips",
        "trusted_ips_delay_seconds",
        "legacy_contacts_ips",
        "callback_ips",
        "login_domains",
        "app_has_mini_program",
        "private_fields",
        "limits",
        "limit_numbers",
        "approval_apps",
        "approval_enabled",
        "approval_status_events",
        "approval_template_max",
        "approval_list_most",
        "customer_contact_apps",
        "customer_group_max",
        "customer_group_lag_seconds",
        "schedule_apps",
        "meeting_apps",
        "meeting_invitees_most",
        "limit_windows",
        "account_limit",
        "latency_seconds",
        "job_seconds",
        "callback_retries",
        "callback_timeout_seconds",
        "callback_network",
        "callback_networks",
        "callback_connections",
        "callback_retry_seconds",
        "retry_same_ciphertext",
        "retry_on_non_200",
        "token_seconds",
        "group_member_max",
        "dismissed_group_errcode",
        "duplicate_answer",
        "duplicate_errcode",
        "reject_unicode_escapes",
        "people",
        "departments",
        "seed",
    ]
)


class CallbackUrls(Body):
    """What is given is verified by the GET of doc path/90930, and saved only if that succeeds."""

    app: str | None = None
    contacts: str | None = None
    verify: bool = True


class PushOrder(Body):
    event_xml: str
    channel: Channel = "app"
    repeat: int = Field(default=1, ge=1, le=10_000)
    same_ciphertext: bool = False
    wait: bool = True


class ClockChange(Body):
    now: float | None = None
    offset: float | None = None
    advance: float = 0.0


@router.get("")
async def overview(state: StateDep) -> dict[str, Any]:
    """How big the company is, where callbacks go and what has happened so far."""
    return {
        "corp_id": state.config.corp_id,
        "agent_id": state.config.agent_id,
        "people": len(state.company.people),
        "departments": len(state.company.departments),
        "groups": len(state.groups),
        "callback_urls": {name: channel.url for name, channel in state.channels.items()},
        "pushes": len(state.pusher.log),
        "calls": len(state.calls),
    }


@router.get("/config")
async def config(state: StateDep) -> SandboxConfig:
    return state.config


@router.patch("/config")
async def change_config(state: StateDep, changes: dict[str, Any]) -> SandboxConfig:
    """Change behaviour while running. Size and seed take effect at the next reset."""
    if unknown := set(changes) - CHANGEABLE:
        raise HTTPException(422, f"cannot be changed while running: {sorted(unknown)}")
    try:
        merged = SandboxConfig.model_validate(state.config.model_dump() | changes)
    except ValidationError as error:
        raise HTTPException(422, str(error)) from error
    if "trusted_ips" in changes or "contacts_trusted_ips" in changes:
        state.trust_changes()
    for name in changes:
        setattr(state.config, name, getattr(merged, name))
    return state.config


@router.get("/limits")
async def limits(state: StateDep) -> list[dict[str, Any]]:
    """Every limit with its number and the largest use of any subject (a member, an API, a robot …).

    `used` is the present window, `peak` the most there ever was in any window of that length, wherever
    it began. A service that keeps the limits ends with no `peak` above `most`, `refused` 0 and `dropped` 0.
    """
    return state.limits.rules()


@router.get("/limits/counters")
async def counters(state: StateDep, kind: str | None = None, subject: str | None = None) -> list[dict[str, Any]]:
    """One row per rule and subject; `kind` as in `GET /sandbox/limits`."""
    return list(state.limits.counters(kind, subject))


@router.patch("/limits")
async def change_limits(state: StateDep, changes: dict[str, int | None]) -> Limits:
    """Set some of the numbers and leave the others: `{"member_per_minute": 3}`. They hold at once."""
    try:
        state.config.limit_numbers = Limits.model_validate(state.config.limit_numbers.model_dump() | changes)
    except ValidationError as error:
        raise HTTPException(422, str(error)) from error
    return state.config.limit_numbers


@router.delete("/limits")
async def forget_limits(state: StateDep) -> None:
    """Forget all use, peaks and blocks. The numbers stay."""
    state.limits.forget()


@router.put("/callback-urls")
async def set_callback_urls(state: StateDep, body: CallbackUrls) -> dict[str, Any]:
    """Per channel: `{"ok": true}`, or what was wrong with the answer to the verification."""
    wanted: dict[Channel, str | None] = {"app": body.app, "contacts": body.contacts}
    results: dict[str, Any] = {}
    for name, url in wanted.items():
        if url is None:
            continue
        error = await state.pusher.verify(name, url) if body.verify else None
        if error is None:
            state.channels[name].url = url
        results[name] = {"ok": error is None, "error": error, "url": url}
    return results


@router.delete("/callback-urls")
async def forget_callback_urls(state: StateDep) -> None:
    for channel in state.channels.values():
        channel.url = None


@router.post("/push")
async def push(state: StateDep, order: PushOrder) -> list[dict[str, Any]]:
    """Sign and deliver this plaintext as often as asked; with `wait`, after all are done."""
    same = state.pusher.seal(order.channel, order.event_xml) if order.same_ciphertext else None
    pushes: list[Push] = [state.pusher.push(order.channel, order.event_xml, sealed=same) for _ in range(order.repeat)]
    if order.wait:
        for sent in pushes:
            await sent.done.wait()
    return [sent.as_json() for sent in pushes]


@router.get("/callbacks")
async def callbacks(state: StateDep, channel: ChannelName | None = None) -> list[dict[str, Any]]:
    return [sent.as_json() for sent in state.pusher.log if channel in (None, sent.channel)]


@router.delete("/callbacks")
async def forget_callbacks(state: StateDep) -> None:
    state.pusher.log.clear()


@router.post("/callbacks/{push_id}/again")
async def push_again(push_id: int, state: StateDep) -> dict[str, Any]:
    """The same event once more, sealed anew, as the platform's own retries are."""
    first = next((sent for sent in state.pusher.log if sent.id == push_id), None)
    if first is None:
        raise HTTPException(404, f"no push {push_id} in the log")
    again = state.pusher.push_again(first)
    await again.done.wait()
    return again.as_json()


@router.get("/calls")
async def calls(state: StateDep, endpoint: str | None = None) -> list[dict[str, Any]]:
    return [call for call in state.calls if endpoint in (None, call["endpoint"])]


@router.delete("/calls")
async def forget_calls(state: StateDep) -> None:
    state.calls.clear()


@router.post("/wait-idle")
async def wait_idle(state: StateDep) -> dict[str, Any]:
    await state.pusher.wait_idle()
    return {"idle": True, "pushes": len(state.pusher.log)}


@router.post("/expire-tokens")
async def kill_tokens(state: StateDep) -> dict[str, int]:
    return {"expired": expire_tokens(state)}


@router.post("/faults")
async def fail(state: StateDep, fault: Fault) -> dict[str, int]:
    return {"id": state.faults.arm(fault)}


@router.get("/faults")
async def faults(state: StateDep) -> list[Fault]:
    return state.faults.listed()


@router.delete("/faults")
async def clear_faults(state: StateDep) -> None:
    state.faults.clear()


@router.delete("/faults/{fault_id}")
async def disarm(state: StateDep, fault_id: int) -> None:
    if not state.faults.disarm(fault_id):
        raise HTTPException(404, f"no fault {fault_id} is armed")


@router.get("/clock")
async def clock(state: StateDep) -> dict[str, float]:
    return _clock_view(state)


@router.post("/clock")
async def set_clock(state: StateDep, change: ClockChange) -> dict[str, float]:
    """Set the time, or its offset from real time, or advance it by so many seconds.

    Everything goes by this clock: tokens, codes, media, windows, and the timestamps of callbacks.
    """
    if change.now is not None:
        state.clock.offset = change.now - time.time()
    if change.offset is not None:
        state.clock.offset = change.offset
    state.clock.offset += change.advance
    return _clock_view(state)


@router.post("/reset")
async def reset(state: StateDep) -> dict[str, Any]:
    """Re-seed. Callback addresses and changed configuration stay."""
    state.reset()
    return await overview(state)


def _clock_view(state: SandboxState) -> dict[str, float]:
    return {"now": state.now(), "offset": state.clock.offset}
