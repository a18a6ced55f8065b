"""What the parts of the client share: a request to `/sandbox/…`, and its refusals."""

from abc import ABC, abstractmethod
from typing import Any

Fields = dict[str, Any]


class Asking(ABC):
    """One request; `SandboxRefused` when the act was not possible."""

    @abstractmethod
    async def _object(self, method: str, path: str, body: Any = None, **query: Any) -> Fields: ...

    @abstractmethod
    async def _list(self, path: str, **query: Any) -> list[Fields]: ...

    @abstractmethod
    async def _ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any: ...


class SandboxRefused(Exception):
    """The act was not possible. `errcode` is the platform's, where there is one."""

    def __init__(self, status: int, detail: str, errcode: int | None) -> None:
        self.status = status
        self.detail = detail
        self.errcode = errcode
        super().__init__(f"{status}: {detail}")


class VerificationFailed(Exception):
    """A callback address did not answer exactly the plaintext within one second; it was not saved."""
