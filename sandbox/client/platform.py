"""The part of `SandboxClient` for the platform itself: callbacks, calls, faults, limits, the clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.client.asking import Asking, Fields, VerificationFailed
from sandbox.config import Channel
from sandbox.faults import When


class Platform(Asking):
    async def overview(self) -> Fields:
        return await self._object("GET", "")

    async def configure(self, **changes: Any) -> Fields:
        """Change `SandboxConfig` fields that make sense while running, such as `contact_profile`."""
        return await self._object("PATCH", "/config", changes)

    async def set_callback_urls(
        self, *, app: str | None = None, contacts: str | None = None, verify: bool = True
    ) -> Fields:
        """Verify and save. Raises `VerificationFailed` when one of them is refused."""
        wanted = {"app": app, "contacts": contacts, "verify": verify}
        results = await self._object("PUT", "/callback-urls", wanted)
        bad = {name: result["error"] for name, result in results.items() if not result["ok"]}
        if bad:
            raise VerificationFailed(str(bad))
        return results

    async def forget_callback_urls(self) -> None:
        await self._ask("DELETE", "/callback-urls")

    async def expire_tokens(self) -> int:
        """Kill every access token; the next call with one gets 42001."""
        return int((await self._object("POST", "/expire-tokens"))["expired"])

    async def fail(
        self,
        endpoint: str,
        *,
        errcode: int | None = None,
        http_status: int | None = None,
        times: int | None = 1,
        when: When = "before",
        timeout: bool = False,  # noqa: ASYNC109 - a knob of the fault, not of this call
        drop: bool = False,
        delay: float = 0.0,
        answer: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """Make the next `times` calls of `message/send`, say, go wrong (None: until cleared).

        `when="after"` lets the effect happen and hides the answer. `timeout` never answers,
        `drop` closes the connection; in process these raise `ReadTimeout` and
        `RemoteProtocolError` at once. `answer` lays fields over the real answer. `*` is every endpoint.
        More as in `sandbox.faults.Fault`: truncated, broken_json, expire_token, rate_limit, invalid_users,
        lost_users, and which calls: skip, chance, seed, app, match, contains.
        """
        fault = {
            "endpoint": endpoint,
            "errcode": errcode,
            "http_status": http_status,
            "times": times,
            "when": when,
            "timeout": timeout,
            "drop": drop,
            "delay": delay,
            "answer": None if answer is None else dict(answer),
        }
        fault |= more
        return int((await self._object("POST", "/faults", fault))["id"])

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "/faults")

    async def limits(self) -> list[Fields]:
        """Every limit: kind, rule, most, and used, peak (of any window), refused, dropped over all subjects."""
        return await self._list("/limits")

    async def limit_counters(self, kind: str | None = None, subject: str | None = None) -> list[Fields]:
        """The same per subject, such as the app and member `1000002 17` of kind `message member`."""
        return await self._list("/limits/counters", kind=kind, subject=subject)

    async def change_limits(self, **numbers: int | None) -> Fields:
        """Some of the numbers of `sandbox.config.Limits`; the others stay."""
        return await self._object("PATCH", "/limits", numbers)

    async def forget_limits(self) -> None:
        """No use, no peaks, no blocks; the numbers stay."""
        await self._ask("DELETE", "/limits")

    async def push(
        self,
        event_xml: str,
        channel: Channel = "app",
        *,
        repeat: int = 1,
        same_ciphertext: bool = False,
    ) -> list[int | None]:
        """Sign and deliver any plaintext `repeat` times; the last HTTP status of each."""
        order = {
            "event_xml": event_xml,
            "channel": channel,
            "repeat": repeat,
            "same_ciphertext": same_ciphertext,
        }
        pushes = await self._ask("POST", "/push", order)
        return [sent["statuses"][-1] if sent["statuses"] else None for sent in pushes]

    async def callbacks(self, channel: Channel | None = None) -> list[Fields]:
        """All pushes so far: id, channel, plaintext, statuses, attempts, delivered, error, reply, reply_error."""
        return await self._list("/callbacks", channel=channel)

    async def forget_callbacks(self) -> None:
        await self._ask("DELETE", "/callbacks")

    async def calls(self, endpoint: str | None = None) -> list[Fields]:
        """API calls received: endpoint, path, app (`contacts`; None without a token), query, body, errcode, time."""
        return await self._list("/calls", endpoint=endpoint)

    async def forget_calls(self) -> None:
        await self._ask("DELETE", "/calls")

    async def wait_idle(self) -> None:
        """Return once every queued push is delivered or given up."""
        await self._ask("POST", "/wait-idle")

    async def clock(self) -> Fields:
        return await self._object("GET", "/clock")

    async def advance_clock(self, seconds: float) -> Fields:
        """Let time pass for tokens, response codes, media, windows, and the timestamps of callbacks."""
        return await self._object("POST", "/clock", {"advance": seconds})

    async def set_clock_offset(self, seconds: float) -> Fields:
        return await self._object("POST", "/clock", {"offset": seconds})

    async def set_time(self, at: datetime) -> Fields:
        """Set the clock, which goes on from there, to an aware moment."""
        return await self._object("POST", "/clock", {"now": at.timestamp()})

    async def reset(self) -> None:
        """Back to the seeded company; callback addresses and changed configuration stay."""
        await self._ask("POST", "/reset")
