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
from sandbox.errors import PlatformError
from sandbox.state import App, SandboxState

USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
FORBIDDEN_IN_DEPARTMENT = re.compile(r'[\\:*?"<>｜]')
DEPARTMENT_NAME_MAX = 32
DEPARTMENT_DEPTH_MAX = 15
NAME_MAX = 64
POSITION_MAX = 128
DEPARTMENTS_MAX = 100
LEADERS_MAX = 5
ORDER_LIMIT = 2**32
PLAIN_FIELDS = frozenset(
    [
        "name",
        "position",
        "gender",
        "telephone",
        "alias",
        "address",
        "external_position",
        "extattr",
        "email",
        "biz_mail",
        "mobile",
    ]
)


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
        departments, order, leads = self._placement(fields, None)
        person = Person(self.company.next_serial(), userid, "", departments, order, leads, departments[0])
        person.status = status if int(fields.get("enable", 1)) else DISABLED
        self._apply(person, self._checked(fields, None))
        self.company.add_person(person)
        self._tell(self._contact_events().create_user(person, self._leaders(person)))
        self._tell_app(person.userid, was=False, now=self._subscribed(person))
        return person

    def change(self, person: Person, fields: dict[str, Any]) -> None:
        """Change the given fields only, as `user/update` does (doc path/90197)."""
        checked = self._checked(fields, person)
        placement = self._placement(fields, person)
        new_userid = fields.get("new_userid")
        if new_userid and new_userid.lower() != person.userid.lower():
            self._free_userid(new_userid)
        before, old_userid = _snapshot(person), person.userid
        with self._watching(person):
            self.company.place(person, placement[0], order=placement[1], leads=placement[2])
            self._apply(person, checked)
            if "enable" in fields:
                _set_enabled(person, enabled=bool(int(fields["enable"])))
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

    def _placement(self, fields: dict[str, Any], person: Person | None) -> tuple[list[int], list[int], list[int]]:
        """Departments with order and leader flags, all of one length (60132)."""
        given = fields.get("department")
        if given is None and person is None:
            raise PlatformError(41019)
        kept_departments = list(person.departments) if person else []
        departments = list(dict.fromkeys(_numbers(given, 60123))) if given is not None else kept_departments
        if not departments:
            raise PlatformError(41019)
        if len(departments) > DEPARTMENTS_MAX:
            raise PlatformError(60110)
        for department_id in departments:
            self.company.department(department_id, errcode=60123)
        old_order = dict(zip(kept_departments, person.order, strict=True)) if person else {}
        old_leads = dict(zip(kept_departments, person.leads, strict=True)) if person else {}
        order = self._parallel(fields.get("order"), departments, old_order)
        leads = self._parallel(fields.get("is_leader_in_dept"), departments, old_leads)
        return departments, order, leads

    @staticmethod
    def _parallel(given: Any, departments: list[int], kept: dict[int, int]) -> list[int]:
        if given is None:
            return [kept.get(department_id, 0) for department_id in departments]
        values = _numbers(given, 60132)
        if len(values) != len(departments):
            raise PlatformError(60132)
        return values

    def _checked(self, fields: dict[str, Any], person: Person | None) -> dict[str, Any]:
        """The plain fields of a create or update, validated and renamed to those of `Person`."""
        values = {name: fields[name] for name in PLAIN_FIELDS if name in fields}
        if "name" in values and not 1 <= len(str(values["name"])) <= NAME_MAX:
            raise PlatformError(60112)
        if len(str(values.get("position", ""))) > POSITION_MAX:
            raise PlatformError(301012)
        if person is not None and person.status == ACTIVE and self.echo is False:
            values.pop("mobile", None)  # ignored without an error for an activated member (doc path/90197)
        self._check_unique(values, person)
        if "direct_leader" in fields:
            values["direct_leaders"] = self._leader_serials(fields["direct_leader"])
        if "main_department" in fields:
            values["main_department"] = int(fields["main_department"])
        return values

    def _check_unique(self, values: dict[str, Any], person: Person | None) -> None:
        for field, errcode in (("mobile", 60104), ("email", 60106)):
            wanted = values.get(field)
            if wanted and any(getattr(p, field) == wanted for p in self.company.people.values() if p is not person):
                raise PlatformError(errcode)

    def _leader_serials(self, given: Any) -> list[int]:
        userids = given if isinstance(given, list) else [given] if given else []
        if len(userids) > LEADERS_MAX:
            raise PlatformError(60257)
        return [self.company.person(str(userid)).serial for userid in userids]

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
        parent = self.company.department(_number(parentid, 60124), errcode=60004)
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
        parentid = _number(fields.get("parentid", department.parentid), 60124)
        moved = parentid != department.parentid
        if moved:
            self._check_move(department, parentid)
        name = fields.get("name", department.name)
        if name != department.name or moved:
            self._check_department_name(name, parentid, besides=department)
        department.name, department.name_en = name, str(fields.get("name_en", department.name_en))
        department.order = _number(fields.get("order", department.order), 40058)
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


def _number(value: Any, errcode: int) -> int:
    if isinstance(value, bool) or not str(value).lstrip("-").isdigit() or not 0 <= int(value) < ORDER_LIMIT:
        raise PlatformError(errcode)
    return int(value)


def _numbers(value: Any, errcode: int) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [_number(v, errcode) for v in values]
