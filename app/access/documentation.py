"""Which scopes a key may have, in the interface description: out of the manifests of the domains."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.manifest import Registry
from app.web.scopes import scopes_of


def document_scopes(app: FastAPI, registry: Registry) -> None:
    """List the scopes where a new key is described."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            asked = plain()["components"]["schemas"]["ApiKeyIn"]["properties"]["scopes"]
            asked["description"] = f"One or more of: {', '.join(scopes_of(registry))}"
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the description
