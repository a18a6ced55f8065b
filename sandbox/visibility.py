"""What one application may see: its visible range, spread over the tree (doc path/90227)."""

from dataclasses import dataclass, field

from sandbox.company import ROOT, Company, Person


@dataclass(frozen=True)
class Sight:
    """The range resolved against one version of the company. `everything` spares the sets."""

    everything: bool
    departments: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()

    def sees_person(self, person: Person) -> bool:
        return self.everything or person.serial in self.people

    def sees_department(self, department_id: int) -> bool:
        return self.everything or department_id in self.departments


@dataclass
class VisibleRange:
    """As an administrator sets it: people by serial, departments and tags by id."""

    users: list[int] = field(default_factory=list)
    parties: list[int] = field(default_factory=lambda: [ROOT])
    tags: list[int] = field(default_factory=list)
    _resolved: tuple[int, Sight] | None = None

    @property
    def has_root(self) -> bool:
        return ROOT in self.parties

    def sight(self, company: Company) -> Sight:
        if self.has_root:
            return Sight(everything=True)
        if self._resolved is None or self._resolved[0] != company.version:
            self._resolved = (company.version, self._resolve(company))
        return self._resolved[1]

    def _resolve(self, company: Company) -> Sight:
        tags = [company.tags[tag_id] for tag_id in self.tags if tag_id in company.tags]
        tops = [*self.parties, *(department for tag in tags for department in tag.departments)]
        departments = {d for top in tops if top in company.departments for d in company.subtree(top)}
        people = {serial for department in departments for serial in company.members[department]}
        people.update(serial for serial in self.users if serial in company.people)
        people.update(serial for tag in tags for serial in tag.people)
        return Sight(everything=False, departments=frozenset(departments), people=frozenset(people))
