"""The manifest of the roles."""

from __future__ import annotations

from app.manifest import Domain
from app.roles.router import router
from app.roles.vacancies import look_at_roles

DOMAIN = Domain(name="roles", routers=[router], policy_checks=[look_at_roles])
