"""What an API key may do: `<resource>:read` and `<resource>:write`, of the resources in the manifests of domains."""

from __future__ import annotations

from app.errors import Forbidden
from app.manifest import Registry

EVERYTHING = "*"
"""The scope of the bootstrap key."""


class MissingScope(Forbidden):
    slug = "missing-scope"
    title = "接口密钥没有这项权限"


def scopes_of(registry: Registry) -> tuple[str, ...]:
    """Every scope that a key may be given."""
    return tuple(f"{resource}:{verb}" for resource in registry.scopes for verb in ("read", "write"))


def allows(granted: list[str], wanted: str) -> bool:
    """Write includes read."""
    resource, _, verb = wanted.partition(":")
    return EVERYTHING in granted or wanted in granted or (verb == "read" and f"{resource}:write" in granted)
