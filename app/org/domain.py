"""The manifest of the organisation."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.org.jobs import JOBS, SCHEDULE, start_up
from app.org.personal_data import personal_data
from app.org.returners import counted
from app.org.router import router
from app.org.sight import is_department_seen, is_person_seen, standing_as_head
from app.permissions import Permission
from models.audit import ObjectKind

DOMAIN = Domain(
    name="org",
    kept_data=personal_data,
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    start_up=start_up,
    overview=[counted],
    scopes=["org"],
    standings={"department_head": standing_as_head},
    objects={ObjectKind.PERSON: is_person_seen, ObjectKind.DEPARTMENT: is_department_seen},
    pages=[
        Page(
            face="console",
            name="people",
            title="人员",
            english="People",
            permission=Permission.PERSON_READ,
            place=50,
        ),
        Page(
            face="console",
            name="departments",
            title="部门",
            english="Departments",
            permission=Permission.DEPARTMENT_READ,
            place=51,
        ),
    ],
)
