"""The sandbox from Python: one method per act of an administrator, a person or the network.

async with SandboxClient(base_url="http://127.0.0.1:8901") as sandbox:
    await sandbox.click("zhangwei", "ack-1", "confirm")
    await sandbox.wait_idle()
"""

from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.client.approvals import Approvals
from sandbox.client.asking import Fields, SandboxRefused, VerificationFailed
from sandbox.client.customers import Customers
from sandbox.client.groups import Groups
from sandbox.client.organisation import Organisation
from sandbox.client.phones import Phones
from sandbox.client.platform import Platform
from sandbox.client.schedules import Schedules

__all__ = ["SandboxClient", "SandboxRefused", "VerificationFailed"]


class SandboxClient(Platform, Phones, Groups, Organisation, Approvals, Customers, Schedules):
    """Takes the sandbox's address, or a ready httpx client with an `ASGITransport` and a base_url, and closes it."""

    def __init__(self, http: httpx.AsyncClient | None = None, *, base_url: str = "") -> None:
        self.http = http or httpx.AsyncClient(base_url=base_url, timeout=60)

    @classmethod
    def for_app(cls, app: Any, *, base_url: str = "http://sandbox") -> Self:
        """A client of a sandbox in the same process."""
        return cls(httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url, timeout=60))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self.http.aclose()

    async def _ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        params = {name: value for name, value in query.items() if value is not None}
        answer = await self.http.request(method, f"/sandbox{path}", json=body, params=params)
        if answer.is_error:
            given = _refusal(answer)
            raise SandboxRefused(answer.status_code, str(given.get("detail")), given.get("errcode"))
        return answer.json()

    async def _object(self, method: str, path: str, body: Any = None, **query: Any) -> Fields:
        answer: Fields = await self._ask(method, path, body, **query)
        return answer

    async def _list(self, path: str, **query: Any) -> list[Fields]:
        answer: list[Fields] = await self._ask("GET", path, **query)
        return answer


def _refusal(answer: httpx.Response) -> Fields:
    try:
        given = answer.json()
    except ValueError:
        return {"detail": answer.text}
    return given if isinstance(given, dict) else {"detail": str(given)}
