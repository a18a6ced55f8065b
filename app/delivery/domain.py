"""The manifest of messages to people and groups."""

from __future__ import annotations

from app.delivery import queries
from app.delivery.jobs import JOBS
from app.delivery.personal_data import personal_data
from app.delivery.router import router
from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="delivery",
    kept_data=personal_data,
    routers=[router],
    jobs=JOBS,
    traces=[queries.traced],
    scopes=["deliveries", "deliveries:content"],
    pages=[
        Page(
            face="console",
            name="deliveries",
            title="发送",
            english="Deliveries",
            permission=Permission.DELIVERY_READ,
            place=60,
            whole_company=True,
        ),
    ],
)
