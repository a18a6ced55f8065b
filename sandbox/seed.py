"""A plausible company of any size, the same for the same seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.company import ACTIVE, DISABLED, NOT_ACTIVATED, ROOT, Company, Department, Person, Tag
from sandbox.config import SandboxConfig
from sandbox.names import NameGenerator

Progress = Callable[[int, int], None]
"""Called with the number of people made so far and the number wanted."""

PEOPLE_PER_DEPARTMENT = 20
WIDEST = 12
PROGRESS_STEP = 5_000


@dataclass(frozen=True)
class Branch:
    """A first-level department: the share of the company it grows to, and the posts in it."""

    name: str
    stem: str
    share: int
    posts: tuple[str, ...]


BRANCHES = (
    Branch("总裁办", "总裁办", 1, ("总裁助理", "秘书", "战略专员")),
    Branch("人力资源部", "人力", 4, ("招聘专员", "薪酬专员", "培训专员", "人事专员")),
    Branch("行政部", "行政", 4, ("行政专员", "前台", "采购专员")),
    Branch("信息技术部", "信息", 6, ("运维工程师", "网络工程师", "系统管理员")),
    Branch("财务部", "财务", 5, ("会计", "出纳", "税务专员", "预算专员")),
    Branch("市场部", "市场", 8, ("市场专员", "品牌专员", "策划专员")),
    Branch("销售部", "销售", 22, ("销售代表", "客户经理", "售前工程师")),
    Branch("研发部", "研发", 30, ("工程师", "高级工程师", "测试工程师", "产品经理")),
    Branch("项目公司", "项目", 20, ("项目经理", "施工员", "质量员", "安全员")),
)

LEADER_POSTS = ("总裁", "部门经理", "部门副经理", "主管", "组长")
VICE_PRESIDENTS = ("研发部", "销售部", "项目公司")
BIG_ENOUGH = 100
"""Smaller companies have no vice presidents."""

_DIGITS = "零一二三四五六七八九"


def chinese_number(number: int) -> str:
    """1 to 99 as in the names of departments: 一, 十, 十一, 二十三."""
    tens, ones = divmod(number, 10)
    lead = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return lead + (_DIGITS[ones] if ones or not tens else "")


class Seeder:
    """Fills an empty company; ask for it through `seeded_company`."""

    def __init__(self, config: SandboxConfig, progress: Progress | None) -> None:
        self.config = config
        self.random = random.Random(config.seed)  # noqa: S311 - names, not secrets
        self.names = NameGenerator(self.random)
        self.company = Company(config.company_name)
        self.progress = progress or (lambda _done, _wanted: None)
        self.branch_of: dict[int, Branch] = {}
        self.level: dict[int, int] = {ROOT: 0}
        self.leader_of: dict[int, Person] = {}
        self.by_branch: dict[str, list[int]] = {}

    def run(self) -> Company:
        self._grow_departments()
        for made in range(self.config.people):
            self._hire(made)
            if made % PROGRESS_STEP == 0:
                self.progress(made, self.config.people)
        self._link_leaders()
        self._tag_people()
        self.progress(self.config.people, self.config.people)
        return self.company

    def _grow_departments(self) -> None:
        for position, branch in enumerate(BRANCHES):
            self._open(ROOT, branch, branch.name, order=1_000 - position)
        wanted = self.config.departments or self._natural_size()
        extra = max(0, wanted - len(BRANCHES))
        total = sum(branch.share for branch in BRANCHES)
        for branch in BRANCHES:
            self._grow_branch(branch, extra * branch.share // total)
        missing = wanted - len(self.company.departments) + 1
        self._grow_branch(BRANCHES[-2], max(0, missing))

    def _natural_size(self) -> int:
        people = self.config.people
        return max(len(BRANCHES), min(people // PEOPLE_PER_DEPARTMENT + len(BRANCHES), people // 4))

    def _grow_branch(self, branch: Branch, count: int) -> None:
        """Breadth first below the branch's head, so that the tree stays flat."""
        heads = list(self.by_branch[branch.name])
        index = 0
        while count > 0:
            parent = heads[index]
            index += 1
            room = min(count, WIDEST - len(self.company.children[parent]))
            heads.extend(self._open_below(parent, branch) for _ in range(max(0, room)))
            count -= max(0, room)

    def _open_below(self, parent: int, branch: Branch) -> int:
        number = chinese_number(len(self.company.children[parent]) + 1)
        above = self.company.departments[parent].name
        name = f"{branch.stem}{number}部" if self.level[parent] == 1 else f"{above[:-1]}{number}组"
        return self._open(parent, branch, name, order=100 - len(self.company.children[parent]))

    def _open(self, parent: int, branch: Branch, name: str, *, order: int) -> int:
        department_id = self.company.next_department_id()
        self.company.add_department(Department(department_id, name, parent, order))
        self.branch_of[department_id] = branch
        self.level[department_id] = self.level[parent] + 1
        self.by_branch.setdefault(branch.name, []).append(department_id)
        return department_id

    def _hire(self, made: int) -> None:
        """The first people become the heads of the departments, in the order of the tree."""
        department_id = made + 2
        if made < len(self.company.departments) - 1:
            self._hire_leader(department_id)
        else:
            self._hire_member()

    def _hire_leader(self, department_id: int) -> None:
        level = min(self.level[department_id], len(LEADER_POSTS) - 1)
        first = not self.leader_of
        homes = [department_id, ROOT] if first else [department_id]
        is_vice = self.config.people >= BIG_ENOUGH and self.company.departments[department_id].name in VICE_PRESIDENTS
        position = LEADER_POSTS[0] if first else "副总裁" if is_vice else LEADER_POSTS[level]
        person = self._person(homes, [1] * len(homes), position)
        for home in homes:
            self.leader_of[home] = person

    def _hire_member(self) -> None:
        shares = [branch.share for branch in BRANCHES]
        branch = self.random.choices(BRANCHES, weights=shares)[0]
        homes = [self.random.choice(self.by_branch[branch.name])]
        if self.random.random() < 0.03:  # noqa: PLR2004 - the share of people with two departments
            second = self.random.choice(self.by_branch["项目公司"])
            homes += [second] if second not in homes else []
        self._person(homes, [0] * len(homes), self.random.choice(branch.posts))

    def _person(self, homes: list[int], leads: list[int], position: str) -> Person:
        name, userid, gender = self.names.next()
        serial = self.company.next_serial()
        person = Person(
            serial=serial,
            userid=userid,
            name=name,
            departments=homes,
            order=[0] * len(homes),
            leads=leads,
            main_department=homes[0],
            status=ACTIVE if any(leads) else self._status(),
            position=position,
            gender=gender,
            mobile=f"139{serial:08d}",
            email=f"{userid}@example.test",
            biz_mail=f"{userid}@mail.example.test",
            telephone=f"010-{60_000_000 + serial}",
        )
        self.company.add_person(person)
        return person

    def _status(self) -> int:
        draw = self.random.random()
        if draw < 0.01:  # noqa: PLR2004 - 1 % disabled
            return DISABLED
        return NOT_ACTIVATED if draw < 0.03 else ACTIVE  # noqa: PLR2004 - 2 % not activated

    def _link_leaders(self) -> None:
        for person in self.company.people.values():
            leader = self._leader_above(person)
            person.direct_leaders = [leader.serial] if leader else []

    def _leader_above(self, person: Person) -> Person | None:
        department_id = person.main_department
        while department_id:
            leader = self.leader_of.get(department_id)
            if leader is not None and leader is not person:
                return leader
            department_id = self.company.departments[department_id].parentid
        return None

    def _tag_people(self) -> None:
        hr = self.by_branch["人力资源部"]
        members = {serial: None for department in hr for serial in self.company.members[department]}
        self.company.tags[1] = Tag(1, "HR", "contacts", people=members)
        leaders = {person.serial: None for person in self.leader_of.values()}
        self.company.tags[2] = Tag(2, "部门负责人", "contacts", people=leaders)
        self.company.tags[3] = Tag(3, "项目团队", "contacts", departments={self.by_branch["项目公司"][0]: None})


def seeded_company(config: SandboxConfig, *, progress: Progress | None = None) -> Company:
    return Seeder(config, progress).run()
