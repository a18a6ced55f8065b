"""The manifest of access."""

from __future__ import annotations

from app.access.authority.router import router as grants_router
from app.access.authority.two_person import ACTS as GRANT_ACTS
from app.access.jobs import JOBS, SCHEDULE, SUBSCRIBERS
from app.access.keys import jobs as keys
from app.access.keys.two_person import ACTS as KEY_ACTS
from app.access.personal_data import personal_data
from app.access.router import router
from app.access.sign_in.router import router as sessions_router
from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="access",
    kept_data=personal_data,
    routers=[router, grants_router, sessions_router],
    jobs=JOBS | keys.JOBS,
    schedule=SCHEDULE | keys.SCHEDULE,
    subscribers=SUBSCRIBERS,
    two_person_acts=KEY_ACTS | GRANT_ACTS,
    scopes=["admin"],
    pages=[
        Page(
            face="console",
            name="keys",
            title="接口密钥",
            english="API keys",
            permission=Permission.KEY_READ,
            place=85,
            whole_company=True,
        ),
        Page(face="me", name="account", title="我的账号", english="My account", permission=None, place=90),
        Page(
            face="console",
            name="access",
            title="授权",
            english="Access",
            permission=Permission.ACCESS_READ,
            place=90,
            whole_company=True,
        ),
    ],
)
