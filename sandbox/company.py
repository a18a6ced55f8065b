"""The company: departments, people and tags in plain dicts, with the indices that keep answers fast.

People are referred to by `serial`, a number that never changes, so that a new userid keeps groups,
phones and leaders. Nothing here knows who is asking; `visibility` does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import PlatformError

ROOT = 1

ACTIVE = 1
DISABLED = 2
NOT_ACTIVATED = 4


@dataclass(slots=True)
class Department:
    id: int
    name: str
    parentid: int
    order: int = 0
    name_en: str = ""


@dataclass(slots=True)
class Person:
    serial: int
    userid: str
    name: str
    departments: list[int]
    order: list[int]
    leads: list[int]
    """0 or 1 for each department, in the same order (`is_leader_in_dept`)."""
    main_department: int
    status: int = ACTIVE
    position: str = ""
    gender: str = "0"
    mobile: str = ""
    email: str = ""
    biz_mail: str = ""
    telephone: str = ""
    alias: str = ""
    address: str = ""
    external_position: str = ""
    direct_leaders: list[int] = field(default_factory=list)
    extattr: dict[str, Any] = field(default_factory=dict)
    licensed: bool = True
    was_renamed: bool = False
    """The API has changed the userid; it does so once (301036)."""
    disabled_from: int = ACTIVE
    """The status to return to when the person is enabled again."""

    @property
    def is_enabled(self) -> bool:
        return self.status != DISABLED


@dataclass(slots=True)
class Tag:
    id: int
    name: str
    owner: str
    """The credential that created it: `contacts`, or an app's id."""
    people: dict[int, None] = field(default_factory=dict)
    departments: dict[int, None] = field(default_factory=dict)


class Company:
    """The organisation itself. `version` grows with every change, for those who cache."""

    def __init__(self, name: str) -> None:
        self.version = 0
        self.departments: dict[int, Department] = {ROOT: Department(ROOT, name, 0, 100_000_000)}
        self.children: dict[int, dict[int, None]] = {ROOT: {}}
        self.members: dict[int, dict[int, None]] = {ROOT: {}}
        self.people: dict[int, Person] = {}
        self.tags: dict[int, Tag] = {}
        self._serial_of: dict[str, int] = {}
        self._next_serial = 1
        self._next_department = 2

    # Departments

    def department(self, department_id: int, *, errcode: int = 60003) -> Department:
        found = self.departments.get(department_id)
        if found is None:
            raise PlatformError(errcode, str(department_id))
        return found

    def add_department(self, department: Department) -> None:
        self.departments[department.id] = department
        self.children[department.id] = {}
        self.members[department.id] = {}
        self.children[department.parentid][department.id] = None
        self._next_department = max(self._next_department, department.id + 1)
        self.version += 1

    def next_department_id(self) -> int:
        return self._next_department

    def move_department(self, department: Department, parentid: int) -> None:
        del self.children[department.parentid][department.id]
        self.children[parentid][department.id] = None
        department.parentid = parentid
        self.version += 1

    def drop_department(self, department: Department) -> None:
        del self.children[department.parentid][department.id]
        for index in (self.departments, self.children, self.members):
            index.pop(department.id)
        for tag in self.tags.values():
            tag.departments.pop(department.id, None)
        self.version += 1

    def subtree(self, department_id: int) -> Iterator[int]:
        """The department and everything below it, parents first, siblings in the order of their creation."""
        waiting = [department_id]
        while waiting:
            current = waiting.pop()
            yield current
            waiting.extend(reversed(self.children[current]))

    def depth(self, department_id: int) -> int:
        depth = 0
        while department_id:
            depth += 1
            department_id = self.departments[department_id].parentid
        return depth

    def leaders(self, department_id: int) -> list[str]:
        people = (self.people[serial] for serial in self.members[department_id])
        return [p.userid for p in people if p.leads[p.departments.index(department_id)]]

    # People

    def find(self, userid: str) -> Person | None:
        """By userid, whatever its case (doc path/90195)."""
        serial = self._serial_of.get(userid.lower())
        return None if serial is None else self.people[serial]

    def person(self, userid: str, *, errcode: int = 60111) -> Person:
        found = self.find(userid)
        if found is None:
            raise PlatformError(errcode, userid)
        return found

    def next_serial(self) -> int:
        self._next_serial += 1
        return self._next_serial - 1

    def add_person(self, person: Person) -> None:
        self.people[person.serial] = person
        self._serial_of[person.userid.lower()] = person.serial
        for department_id in person.departments:
            self.members[department_id][person.serial] = None
        self.version += 1

    def place(self, person: Person, departments: list[int], *, order: list[int], leads: list[int]) -> None:
        for department_id in person.departments:
            self.members[department_id].pop(person.serial, None)
        for department_id in departments:
            self.members[department_id][person.serial] = None
        person.departments, person.order, person.leads = departments, order, leads
        if person.main_department not in departments:
            person.main_department = departments[0]
        self.version += 1

    def rename_userid(self, person: Person, userid: str) -> None:
        del self._serial_of[person.userid.lower()]
        person.userid = userid
        self._serial_of[userid.lower()] = person.serial
        self.version += 1

    def drop_person(self, person: Person) -> None:
        del self.people[person.serial]
        del self._serial_of[person.userid.lower()]
        for department_id in person.departments:
            self.members[department_id].pop(person.serial, None)
        for tag in self.tags.values():
            tag.people.pop(person.serial, None)
        self.version += 1

    def touched(self) -> None:
        """A change that no index follows: a name, a status, a tag."""
        self.version += 1

    def userids(self, serials: Iterable[int]) -> list[str]:
        """The userids of those who still exist."""
        return [self.people[serial].userid for serial in serials if serial in self.people]

    def direct_members(self, department_id: int) -> list[Person]:
        """Larger `order` first, equal ones in the order of their creation (doc path/90195)."""
        people = [self.people[serial] for serial in self.members[department_id]]
        people.sort(key=lambda p: (-p.order[p.departments.index(department_id)], p.serial))
        return people

    def tag(self, tag_id: int) -> Tag:
        found = self.tags.get(tag_id)
        if found is None:
            raise PlatformError(40068, str(tag_id))
        return found

    def tagged(self, tag: Tag) -> Iterator[int]:
        """Serials of all who belong to a tag, through a department too."""
        yield from tag.people
        for top in tag.departments:
            for department_id in self.subtree(top):
                yield from self.members[department_id]
