"""Changes of the organisation, whoever makes them, with the callbacks that each one causes.

The contacts channel hears of what administrators and members do (`echo=True`); what the
contacts credential does through the API is not echoed to it (doc path/90970). The app channel
hears subscribe and unsubscribe whenever somebody enters or leaves its visible range.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox import events
from sandbox.company import ACTIVE, DISABLED, NOT_ACTIVATED, ROOT, Department, Person, Tag
from sandbox.customer_acts import person_left
from sandbox.errors import PlatformError
from sandbox.member_fields import checked_fields, number, placement
from sandbox.state import App, SandboxState

USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
FORBIDDEN_IN_DEPARTMENT = re.compile(r'[\\:*?"<>｜]')
DEPARTMENT_NAME_MAX = 32
DEPARTMENT_DEPTH_MAX = 15


class Organisation:
    """Verbs on the company. Refusals are `PlatformError`s, also for acts of people."""

    def __init__(self, state: SandboxState, *, echo: bool) -> None:
        self.state = state
        self.company = state.company
        self.echo = echo

    # Telling

    def _contact_events(self) -> events.ContactEvents:
        config = self.state.config
        return events.ContactEvents(config.corp_id, config.contact_profile, self.state.now())

    def _tell(self, event: str | None) -> None:
        if self.echo and event is not None:
            self.state.pusher.push("contacts", event)

    def _subscribed(self, person: Person) -> bool:
        sight = self.state.sight(self.state.main_app)
        return person.serial in self.company.people and person.status == ACTIVE and sight.sees_person(person)

    def _tell_app(self, userid: str, *, was: bool, now: bool) -> None:
        if was == now:
            return
        event = "subscribe" if now else "unsubscribe"
        config = self.state.config
        plaintext = events.app_event(config.corp_id, config.agent_id, userid, self.state.now(), event)
        self.state.pusher.push("app", plaintext)

    @contextmanager
    def _watching(self, person: Person) -> Iterator[None]:
        """Around a change of one person: subscribe or unsubscribe if their visibility changed."""
        was = self._subscribed(person)
        yield
        self._tell_app(person.userid, was=was, now=self._subscribed(person))

    @contextmanager
    def watching_everyone(self) -> Iterator[None]:
        """Around a change that may concern anyone: a moved department, a tag, a new range."""
        before = self._audience()
        yield
        after = self._audience()
        for serial in sorted((before or set()) ^ (after or set())):
            person = self.company.people.get(serial)
            if person is not None:
                self._tell_app(person.userid, was=serial in before, now=serial in after)

    def _audience(self) -> set[int]:
        return {p.serial for p in self.company.people.values() if self._subscribed(p)}

    # People

    def hire(self, fields: dict[str, Any], *, status: int = NOT_ACTIVATED) -> Person:
        """Add a person from the fields of `user/create` (doc path/90195)."""
        userid = self._free_userid(fields.get("userid"))
        if not fields.get("name"):
            raise PlatformError(60112)
        if not (fields.get("mobile") or fields.get("email")):
            raise PlatformError(60129)
        departments, order, leads = placement(self.company, fields, None)
        person = Person(self.company.next_serial(), userid, "", departments, order, leads, departments[0])
        person.status = status if int(fields.get("enable", 1)) else DISABLED
        self._apply(person, checked_fields(self.company, fields, None, by_api=not self.echo))
        self.company.add_person(person)
        self._tell(self._contact_events().create_user(person, self._leaders(person)))
        self._tell_app(person.userid, was=False, now=self._subscribed(person))
        return person

    def change(self, person: Person, fields: dict[str, Any]) -> None:
        """Change the given fields only, as `user/update` does (doc path/90197)."""
        checked = checked_fields(self.company, fields, person, by_api=not self.echo)
        places = placement(self.company, fields, person)
        enabled = bool(number(fields.get("enable", int(person.is_enabled)), 40058))
        new_userid = fields.get("new_userid")
        if new_userid and new_userid.lower() != person.userid.lower():
            self._free_userid(new_userid)
        before, old_userid = _snapshot(person), person.userid
        with self._watching(person):
            self.company.place(person, places[0], order=places[1], leads=places[2])
            self._apply(person, checked)
            _set_enabled(person, enabled=enabled)
            if new_userid:
                self.company.rename_userid(person, new_userid)
        changed = frozenset(name for name, value in _snapshot(person).items() if before[name] != value)
        event = self._contact_events().update_user(
            person, old_userid=old_userid, changed=changed, leaders=self._leaders(person)
        )
        self._tell(event)

    def activate(self, person: Person) -> None:
        """The person joins on their phone; only then the app hears `subscribe`."""
        with self._watching(person):
            person.status = ACTIVE if person.is_enabled else person.status
            person.disabled_from = ACTIVE
            self.company.touched()

    def remove(self, person: Person) -> None:
        """The person leaves the company, and with it all groups; an owner's group passes on."""
        was = self._subscribed(person)
        self.company.drop_person(person)
        person_left(self.state, person)
        for chatid in list(self.state.groups_of.pop(person.serial, {})):
            self.state.quit_group(self.state.groups[chatid], person.serial)
        self._tell(self._contact_events().delete_user(person.userid))
        self._tell_app(person.userid, was=was, now=False)

    def _free_userid(self, userid: Any) -> str:
        if not isinstance(userid, str) or not USERID.fullmatch(userid):
            raise PlatformError(40003, "illegal userid")
        if self.company.find(userid) is not None:
            raise PlatformError(60102, userid)
        return userid

    def _leaders(self, person: Person) -> list[str]:
        return self.company.userids(person.direct_leaders)

    def _apply(self, person: Person, values: dict[str, Any]) -> None:
        main = values.pop("main_department", None)
        for name, value in values.items():
            setattr(person, name, str(value) if name == "gender" else value)
        if main in person.departments:
            person.main_department = main
        self.company.touched()

    # Departments

    def create_department(
        self, name: Any, parentid: Any, *, department_id: int | None = None, order: int = 0, name_en: str = ""
    ) -> Department:
        parent = self.company.department(number(parentid, 60124), errcode=60004)
        if self.company.depth(parent.id) >= DEPARTMENT_DEPTH_MAX:
            raise PlatformError(81002)
        if department_id is not None and department_id in self.company.departments:
            raise PlatformError(60008)
        self._check_department_name(name, parent.id)
        new_id = department_id if department_id is not None else self.company.next_department_id()
        department = Department(new_id, name, parent.id, order, name_en)
        self.company.add_department(department)
        self._tell(self._contact_events().create_party(department))
        return department

    def change_department(self, department: Department, fields: dict[str, Any]) -> None:
        """Any of name, name_en, parentid, order (doc path/90206)."""
        parentid = number(fields.get("parentid", department.parentid), 60124)
        moved = parentid != department.parentid
        if moved:
            self._check_move(department, parentid)
        name = fields.get("name", department.name)
        if name != department.name or moved:
            self._check_department_name(name, parentid, besides=department)
        department.name, department.name_en = name, str(fields.get("name_en", department.name_en))
        department.order = number(fields.get("order", department.order), 40058)
        self.company.touched()
        if moved:
            with self.watching_everyone():
                self.company.move_department(department, parentid)
        self._tell(self._contact_events().update_party(department, moved=moved))

    def delete_department(self, department: Department) -> None:
        if department.id == ROOT:
            raise PlatformError(60007)
        if self.company.members[department.id]:
            raise PlatformError(60005)
        if self.company.children[department.id]:
            raise PlatformError(60006)
        self.company.drop_department(department)
        self._tell(self._contact_events().delete_party(department.id))

    def _check_move(self, department: Department, parentid: int) -> None:
        if department.id == ROOT:
            raise PlatformError(60011)
        self.company.department(parentid, errcode=60004)
        if parentid in set(self.company.subtree(department.id)):
            raise PlatformError(60010)

    def _check_department_name(self, name: Any, parentid: int, *, besides: Department | None = None) -> None:
        if not isinstance(name, str) or not 1 <= len(name) <= DEPARTMENT_NAME_MAX:
            raise PlatformError(60001)
        if FORBIDDEN_IN_DEPARTMENT.search(name):
            raise PlatformError(60009)
        siblings = (self.company.departments[child] for child in self.company.children[parentid])
        if any(sibling.name == name and sibling is not besides for sibling in siblings):
            raise PlatformError(60008)

    # Tags and ranges

    def add_to_tag(self, tag: Tag, people: list[Person], departments: list[int]) -> None:
        new_people = [p for p in people if p.serial not in tag.people]
        new_departments = [d for d in departments if d not in tag.departments]
        with self._watching_tag(tag):
            tag.people.update(dict.fromkeys(p.serial for p in new_people))
            tag.departments.update(dict.fromkeys(new_departments))
            self.company.touched()
        self._tell_tag(tag, add_users=[p.userid for p in new_people], add_parties=new_departments)

    def remove_from_tag(self, tag: Tag, people: list[Person], departments: list[int]) -> None:
        gone = [p for p in people if p.serial in tag.people]
        gone_departments = [d for d in departments if d in tag.departments]
        with self._watching_tag(tag):
            for person in gone:
                del tag.people[person.serial]
            for department_id in gone_departments:
                del tag.departments[department_id]
            self.company.touched()
        self._tell_tag(tag, del_users=[p.userid for p in gone], del_parties=gone_departments)

    @contextmanager
    def _watching_tag(self, tag: Tag) -> Iterator[None]:
        if tag.id in self.state.main_app.range.tags:
            with self.watching_everyone():
                yield
        else:
            yield

    def _tell_tag(self, tag: Tag, **items: Any) -> None:
        if any(items.values()):
            self._tell(self._contact_events().update_tag(tag.id, **items))

    def set_range(self, app: App, *, users: list[str], parties: list[int], tags: list[int]) -> None:
        """An administrator edits 可见范围; those who enter or leave it are announced to the main app."""
        serials = [self.company.person(userid).serial for userid in users]
        for department_id in parties:
            self.company.department(department_id)
        with self.watching_everyone():
            app.range.users, app.range.parties, app.range.tags = serials, parties, tags
            self.company.touched()


def _set_enabled(person: Person, *, enabled: bool) -> None:
    if enabled and person.status == DISABLED:
        person.status = person.disabled_from
    elif not enabled and person.status != DISABLED:
        person.disabled_from, person.status = person.status, DISABLED


def _snapshot(person: Person) -> dict[str, Any]:
    """What `update_user` may report; lists are copied by value."""
    names = {*events.PERSONAL_IN_EVENTS.values(), "userid", "extattr"}
    values = {name: getattr(person, name) for name in names}
    values["departments"] = sorted(person.departments)
    values["leads"] = [d for d, leads in zip(person.departments, person.leads, strict=True) if leads]
    return values | {"direct_leaders": list(person.direct_leaders)}
