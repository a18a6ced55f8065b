"""The document: read as text, checked as a whole, every fault told."""

from __future__ import annotations

import asyncio
import re

import pytest

from app.policy.differences import diff, diff_aside
from app.policy.document import default_document, default_source, demo_document, demo_source, read, read_aside
from app.policy.rule_keys import RULES
from app.policy.schema import PolicyDocument
from tests.builders.policy import changed


def faults(source: str) -> dict[str, str]:
    reading = read(source)
    assert reading.document is None
    return {fault.path: fault.message for fault in reading.faults}


def with_line(old: str, new: str) -> str:
    source = default_source()
    assert source.count(old) == 1, old
    return source.replace(old, new)


class TestTheDefaultPolicy:
    """The service ships a policy that says in Chinese what companies write down."""

    def test_it_has_no_faults(self) -> None:
        assert read(default_source()).faults == []

    def test_every_rule_cites_a_clause_with_a_text(self) -> None:
        document = default_document()
        for key in RULES:
            assert re.search("[一-鿿]", document.clauses[document.rules[key]]), key

    def test_every_clause_of_this_issue_is_there(self) -> None:
        """Clauses marked ◇ belong to later issues."""
        numbers = {
            1: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14],
            2: [1, 2, 3, 4, 5, 6, 7, 8, 11],
            3: [1, 2, 3, 4, 5, 6, 7, 8, 9, 12],
            4: [1, 2, 3, 4, 5],
            5: [1, 2, 3],
            6: list(range(1, 22)),
            7: [1, 2, 3, 6, 8],
            8: [1, 2],
        }
        expected = {f"{chapter}.{number}" for chapter, places in numbers.items() for number in places}
        assert expected <= set(default_document().clauses)

    def test_clauses_speak_as_a_company_does(self) -> None:
        """How the service works stands under `carried_out`, and not in the company's own rules."""
        notes = re.compile("系统|平台|应用|接口|卡片|同步|服务|软件|我们|`|[A-Za-z_]{3,}")
        assert {n: text for n, text in default_document().clauses.items() if notes.search(text)} == {}

    def test_clauses_of_our_own_are_marked(self) -> None:
        """Policy chapters 7 and 8 know neither 7.9 nor 7.10 nor 8.5: a company may not have agreed to them."""
        marked = {n for n, how in default_document().carried_out.items() if "本系统补充的条文" in str(how)}
        assert marked == {"7.9", "7.10", "8.5"}
        assert "7.9、7.10、8.5 由本系统补充" in default_source().partition("\n  7.9: ")[0]

    def test_an_executive_may_bear_the_name_alone(self) -> None:
        """Policy 2.3: the charter of a group asks for what the policy asks."""
        types = default_document().groups.types
        assert "可只写姓名" in types["executive"].charter
        assert "部门-姓名" in types["department"].charter

    def test_a_leaders_instruction_is_answered_within_30_working_minutes(self) -> None:
        """Policy 3.6."""
        classes = default_document().announcements.classes
        assert str(classes["instruction"].default_deadline) == "30wm"

    def test_what_is_urgent_is_not_answered_tomorrow(self) -> None:
        """Policy 3.2, 3.6: the clock runs at any hour, also outside of working time."""
        classes = default_document().announcements.classes
        assert str(classes["urgent"].default_deadline) == "30m"

    def test_only_what_is_urgent_is_published_outside_of_working_hours(self) -> None:
        """Policy 3.4. `answer` is no publication: it answers what a person has just done; `notice` says what is due."""
        classes = default_document().delivery.classes
        assert (classes["notice"].hours, classes["answer"].hours) == ("not_quiet", "any")
        hours = {name: rule.hours for name, rule in classes.items() if name not in {"answer", "notice"}}
        assert {name for name, hours in hours.items() if hours != "work"} == {"urgent"}

    def test_other_notices_by_the_end_of_the_next_working_day(self) -> None:
        """Policy 3.6."""
        classes = default_document().announcements.classes
        others = {name for name, rule in classes.items() if rule.receipt} - {"instruction", "urgent"}
        assert {str(classes[name].default_deadline) for name in others} == {"1wd"}

    def test_a_task_is_acknowledged_within_30_working_minutes(self) -> None:
        """Policy 4.2."""
        assert str(default_document().tasks.accept_within) == "30wm"

    @pytest.mark.parametrize("group_type", ["department", "project"])
    def test_the_department_head_approves_the_creation_and_hr_is_informed(self, group_type: str) -> None:
        """Policy 1.2."""
        rule = default_document().groups.types[group_type]
        assert [str(step.approver) for step in rule.create] == ["department_head"]
        assert [str(one) for one in rule.informed] == ["role:hr"]

    @pytest.mark.parametrize("group_type", ["department", "project"])
    def test_joining_goes_to_the_department_head_and_then_to_hr(self, group_type: str) -> None:
        """Policy 2.1."""
        join = default_document().groups.types[group_type].join
        assert [str(step.approver) for step in join.steps] == ["department_head", "role:hr"]

    @pytest.mark.parametrize("group_type", ["department", "project"])
    def test_leaving_goes_to_the_group_administrator(self, group_type: str) -> None:
        """Policy 2.5."""
        leave = default_document().groups.types[group_type].exit
        assert (leave.mode, [str(step.approver) for step in leave.steps]) == ("approve", ["group_administrator"])

    def test_leisure_goes_into_interest_groups_only(self) -> None:
        """Policy 3.2."""
        types = default_document().groups.types
        assert [name for name, rule in types.items() if "leisure" in rule.allowed_classes] == ["interest"]

    @pytest.mark.parametrize("name", ["研发部-星火项目", "市场部-双十一值班"])
    def test_a_name_of_department_and_matter_fits(self, name: str) -> None:
        """Policy 1.3."""
        assert re.fullmatch(default_document().groups.types["project"].name_pattern, name)

    @pytest.mark.parametrize("name", ["星火项目", "-星火项目", "研发部-", "研发部--星火", " -x"])
    def test_another_name_does_not(self, name: str) -> None:
        assert not re.fullmatch(default_document().groups.types["project"].name_pattern, name)


class TestTheDemoPolicy:
    """The demo passes at any hour of any day: same clauses and chains, other times."""

    def test_clauses_rules_roles_and_chains_are_those_of_the_default(self) -> None:
        times = ("delivery.", "approvals.", "announcements.", "tasks.", "groups.reconcile_interval_seconds", "title")
        different = [change.path for change in diff(default_document(), demo_document())]
        assert [path for path in different if not path.startswith(times)] == []

    def test_no_deadline_depends_on_the_hour(self) -> None:
        written = re.findall(r"(?:after|before|within|deadline): \[?(\w+)", demo_source())
        assert written
        assert [text for text in written if "w" in text] == []


class TestReading:
    """D11: YAML in, validated."""

    def test_clause_numbers_stay_text(self) -> None:
        """YAML would make 7.10 the number 7.1."""
        document = default_document()
        assert document.rules["approval.deadline"] == "7.10"
        assert document.clauses["7.1"] != document.clauses["7.10"]

    def test_a_stored_version_reads_as_it_was_written(self) -> None:
        document = default_document()
        assert PolicyDocument.model_validate(document.model_dump(mode="json")) == document

    def test_another_company_cites_its_own_clauses(self) -> None:
        source = default_source().replace("  3.6:", "  第三十六条:").replace(": 3.6\n", ": 第三十六条\n")
        document = read(source).document
        assert document is not None
        assert document.rules["announcement.receipt"] == "第三十六条"


class TestHowClausesAreCarriedOut:
    """P8: every clause says what the service does of it, and nothing promises what nothing does."""

    def test_each_clause_of_the_default_document_says_it(self) -> None:
        document = default_document()
        assert list(document.carried_out) == list(document.clauses)

    def test_only_what_a_rule_rests_on_is_carried_out_by_the_service(self) -> None:
        document = default_document()
        cited = {document.rules[key] for key in RULES}
        assert {number for number, said in document.carried_out.items() if said.by_the_service} == cited

    def test_a_clause_that_says_nothing_is_refused(self) -> None:
        found = faults(with_line("  5.1: {not_yet: 活动的申请和公布}\n", ""))
        assert "没有写明这一条怎样落实" in found["carried_out.5.1"]

    def test_a_clause_with_no_part_is_refused(self) -> None:
        found = faults(with_line("  5.1: {not_yet: 活动的申请和公布}\n", "  5.1: {}\n"))
        assert "至少一项" in found["carried_out.5.1"]

    def test_what_no_rule_rests_on_cannot_be_called_enforced(self) -> None:
        found = faults(with_line("  5.1: {not_yet: 活动的申请和公布}\n", "  5.1: {enforced: 全部}\n"))
        assert "系统不会执行" in found["carried_out.5.1"]

    def test_what_the_service_does_is_not_called_missing(self) -> None:
        found = faults(
            with_line("  4.5: {enforced: 离职人员的任务交给其上级，并告知布置人}\n", "  4.5: {not_yet: 全部}\n")
        )
        assert "请写 enforced 或 substituted" in found["carried_out.4.5"]

    def test_a_statement_about_a_clause_that_is_not_there_is_refused(self) -> None:
        found = faults(with_line("  8.1: {by_hand:", "  9.9: {not_yet: 全部}\n  8.1: {by_hand:"))
        assert found["carried_out.9.9"] == "clauses 中没有这一条，请补上条文或删去"

    def test_a_version_older_than_the_statement_stays_readable(self) -> None:
        stored = default_document().model_dump(mode="json")
        del stored["carried_out"]
        assert PolicyDocument.model_validate(stored).carried_out == {}


class TestFaults:
    """D11: all faults are told at once, each with its path and what to do."""

    def test_all_are_told_at_once(self) -> None:
        source = default_source().replace("accept_within: 30wm", "accept_within: half an hour")
        source = source.replace("  group.owner: 1.9\n", "").replace("missing_runs: 2", "missing_run: 2")
        assert set(faults(source)) == {"tasks.accept_within", "rules.group.owner", "org.missing_run"}

    def test_an_unknown_key_is_refused(self) -> None:
        assert "不认识" in faults(with_line("  missing_runs: 2", "  missing_run: 2"))["org.missing_run"]

    def test_a_missing_section_is_told(self) -> None:
        source = default_source()
        assert "缺少" in faults(source[: source.index("\ntasks:")])["tasks"]

    def test_a_rule_that_is_not_mapped_is_told_by_its_name(self) -> None:
        found = faults(with_line("  task.accept: 4.2\n", ""))
        assert found == {"rules.task.accept": "没有写明“任务接收”依据哪一条，请补上“task.accept: 条文编号”"}

    def test_a_rule_the_service_does_not_have_is_refused(self) -> None:
        assert (
            "没有这条规则"
            in faults(with_line("  task.accept: 4.2\n", "  task.accept: 4.2\n  task.x: 4.2\n"))["rules.task.x"]
        )

    def test_a_clause_that_is_not_there_cannot_be_cited(self) -> None:
        found = faults(with_line("task.accept: 4.2", "task.accept: 4.22"))
        assert "第 4.22 条不在 clauses 中" in found["rules.task.accept"]

    def test_a_role_that_is_not_there_cannot_decide(self) -> None:
        found = faults(with_line('administered_by: "role:marketing_manager"', 'administered_by: "role:boss"'))
        assert "角色“boss”不在 roles 中" in found["groups.types.customer.administered_by"]

    def test_a_role_of_nobody_is_refused(self) -> None:
        found = faults(with_line("    posts: [营销经理]\n", ""))
        assert "没有任何人" in found["roles.marketing_manager"]

    @pytest.mark.parametrize("expression", ["head", "role:", "role", "department_head:x", "userid:"])
    def test_an_approver_nobody_understands_is_refused(self, expression: str) -> None:
        found = faults(with_line("{after: 0m, to: direct_leader}", f'{{after: 0m, to: "{expression}"}}'))
        assert "可写 department_head" in found["tasks.escalation[0].to"]

    def test_approval_without_steps_is_refused(self) -> None:
        found = faults(with_line("        mode: free\n", "        mode: approve\n"))
        assert "要写 steps" in found["groups.types.interest.exit"]

    def test_a_class_without_hours_is_refused(self) -> None:
        found = faults(with_line("    leisure: {hours: work}\n", ""))
        assert "delivery.classes" in found["announcements.classes.leisure"]

    def test_a_class_that_is_not_there_cannot_be_allowed(self) -> None:
        found = faults(with_line("allowed_classes: [work]", "allowed_classes: [work, gossip]"))
        assert "gossip" in found["groups.types.customer.allowed_classes[1]"]

    def test_a_receipt_without_a_deadline_is_refused(self) -> None:
        found = faults(with_line("{title: 休闲, receipt: false}", "{title: 休闲, receipt: true}"))
        assert "default_deadline" in found["announcements.classes.leisure"]

    def test_more_members_than_the_platform_takes_are_refused(self) -> None:
        """P7: the limits of the platform are kept before the call."""
        found = faults(with_line("max_members: 200\n", "max_members: 2001\n"))
        assert found["groups.types.operations.max_members"] == "应不大于 2000"

    def test_a_blank_nobody_fills_is_refused(self) -> None:
        found = faults(with_line("请尽快确认“{title}”", "请尽快确认“{titel}”"))
        assert "titel" in found["announcements.chase_text"]

    @pytest.mark.parametrize(
        ("old", "new", "path", "says"),
        [
            ("work_start: 09:00", "work_start: morning", "working_time.work_start", "如 09:00"),
            ("work_start: 09:00", "work_start: 19:00", "working_time", "先后有序"),
            ("jitter_seconds: 600", "jitter_seconds: some", "delivery.jitter_seconds", "应为整数"),
            ("avoid_marks: true", "avoid_marks: 3", "delivery.avoid_marks", "true 或 false"),
            ("large_share: 0.2", "large_share: 20", "org.loss_budget.large_share", "应不大于 1"),
            ("urgent: {hours: not_quiet}", "urgent: {hours: always}", "delivery.classes.urgent.hours", "只能是"),
            ("about:\n", "about: x\nabouts:\n", "about", "名称: 内容"),
            ("title: 计划运营群", 'title: ""', "groups.types.operations.title", "不能为空"),
            ("&any_name '.{2,}'", "&any_name '('", "groups.types.executive.name_pattern", "正则表达式"),
        ],
    )
    def test_each_fault_says_in_chinese_what_to_do(self, old: str, new: str, path: str, says: str) -> None:
        assert says in faults(with_line(old, new))[path]

    def test_needed_may_be_any_all_or_a_number(self) -> None:
        step = '{name: 营销副总裁, approver: "role:marketing_vp"}'
        for needed in ("any", "all", "2"):
            assert read(with_line(step, step.replace("}", f", needed: {needed}}}"))).faults == []
        found = faults(with_line(step, step.replace("}", ", needed: most}")))
        assert found == {"groups.types.customer.create[0].needed": "只能是 'any' 或 'all'；或应为整数"}

    def test_a_key_written_twice_is_told_with_its_line(self) -> None:
        found = faults(with_line("  accept_within: 30wm\n", "  accept_within: 30wm\n  accept_within: 1wh\n"))
        [(where, message)] = found.items()
        assert re.fullmatch(r"第 \d+ 行第 3 列", where)
        assert "accept_within" in message

    def test_broken_yaml_is_told_with_its_line(self) -> None:
        [(where, message)] = faults("title: [x\nabout: y\n").items()
        assert where.startswith("第 2 行")
        assert "YAML" in message

    @pytest.mark.parametrize("source", ["", "just a text", "- a\n- b\n"])
    def test_something_else_is_no_policy(self, source: str) -> None:
        assert "名称: 内容" in faults(source)[""]

    def test_a_morning_digest_inside_the_rest_period_is_refused(self) -> None:
        found = faults(with_line("morning_digest: 08:40", "morning_digest: 07:00"))
        assert "morning_digest 在 quiet（休息时段）之内" in found["delivery"]

    def test_working_hours_inside_the_rest_period_are_refused(self) -> None:
        found = faults(with_line("quiet: {start: 23:30, end: 07:30}", "quiet: {start: 08:50, end: 19:00}"))
        assert "休息时段" in found[""]

    @pytest.mark.parametrize(
        "source",
        [
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            "a: &a [*a]\n",
            "a: " + "[" * 5000,
            "{a: " * 20_000,
            "a:\n" + "- b\n" * 30_000,
            "a: '" + "b" * 300_000 + "'",
        ],
    )
    def test_a_document_that_would_never_end_is_refused(self, source: str) -> None:
        assert "层次太深" in faults(source)[""]

    @pytest.mark.parametrize(
        "source",
        ["title: !!python/object/apply:os.system ['true']", "title: !!int x", "a: &a {b: c}\nd: {!!merge x: *a}"],
    )
    def test_yaml_cannot_construct_objects(self, source: str) -> None:
        assert [message for message in faults(source).values() if "不能使用标签" in message]

    def test_nothing_is_merged(self) -> None:
        """A key that pulls in others copies them, and copies of copies grow without end."""
        assert "不认识" in faults(default_source() + "\nextra: &extra {a: b}\n<<: *extra\n")["<<"]

    def test_half_an_emoji_is_told(self) -> None:
        assert "UTF-8" in faults("title: \ud83d")[""]

    def test_more_faults_than_anybody_reads_are_cut_off(self) -> None:
        assert len(read("".join(f"key{number}: x\n" for number in range(5_000))).faults) == 200

    async def test_others_are_served_while_a_large_document_is_read(self) -> None:
        reading = asyncio.create_task(read_aside("a:\n" + "- b\n" * 15_000))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not reading.done()
        assert (await reading).faults

    def test_who_supervises_groups_is_a_role(self) -> None:
        told = faults(with_line('supervised_by: "role:hr"', "supervised_by: direct_leader"))
        assert "role:hr" in told["groups.supervised_by"]

    def test_the_role_that_supervises_groups_exists(self) -> None:
        told = faults(with_line('supervised_by: "role:hr"', 'supervised_by: "role:nobody"'))
        assert "nobody" in told["groups.supervised_by"]


class TestDifferences:
    """F119: what would change, rule by rule and number by number."""

    def test_nothing_changed(self) -> None:
        assert diff(default_document(), default_document()) == []

    async def test_others_are_served_while_two_documents_are_compared(self) -> None:
        comparing = asyncio.create_task(diff_aside(default_document(), default_document()))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not comparing.done()
        assert await comparing == []

    def test_a_number_is_told_with_its_rule(self) -> None:
        [change] = diff(default_document(), changed(default_document(), tasks__accept_within="1wh"))
        assert change.sentence == "tasks.accept_within：30wm → 1wh（任务接收）"

    def test_a_chain_is_told_as_a_chain(self) -> None:
        one_step = [{"name": "群管理员", "approver": "group_administrator"}]
        [change] = diff(default_document(), changed(default_document(), groups__types__project__join__steps=one_step))
        assert change.sentence == (
            "groups.types.project.join.steps：部门负责人[department_head]、人力资源[role:hr] → "
            "群管理员[group_administrator]（入群审批）"
        )

    def test_a_new_wording_names_the_rules_that_cite_it(self) -> None:
        clauses = {**default_document().clauses, "3.6": "新的说法"}
        [change] = diff(default_document(), changed(default_document(), clauses=clauses))
        assert change.rule_keys == ("announcement.receipt", "announcement.chase", "delivery.digest")

    def test_what_is_new_and_what_goes(self) -> None:
        clauses = {key: text for key, text in default_document().clauses.items() if key != "6.1"} | {"9.1": "归档"}
        found = diff(default_document(), changed(default_document(), clauses=clauses))
        assert [(change.path, change.before is None, change.after is None) for change in found] == [
            ("clauses.6.1", False, True),
            ("clauses.9.1", True, False),
        ]
