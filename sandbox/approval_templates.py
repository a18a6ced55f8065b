"""The templates that a new company has in its 审批 app, as an administrator would have made them."""

from typing import Any

from sandbox.approval import ApprovalDesk, Flow, Template


def _text(text: str) -> list[dict[str, str]]:
    return [{"text": text, "lang": "zh_CN"}]


def control(kind: str, number: int, title: str, *, require: int = 1, **config: Any) -> dict[str, Any]:
    """One control as `oa/gettemplatedetail` returns it (doc path/91982)."""
    return {
        "property": {
            "control": kind,
            "id": f"{kind}-{number}",
            "title": _text(title),
            "placeholder": _text(""),
            "require": require,
            "un_print": 0,
        },
        "config": config,
    }


def option(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": _text(text)}


def _leave() -> list[dict[str, Any]]:
    kinds = [("1", "年假"), ("2", "事假"), ("3", "病假")]
    vacation = control("Vacation", 1, "请假类型")
    vacation["config"] = {
        "attendance": {"type": 1, "date_range": {"type": "halfday"}},
        "vacation_list": {"item": [{"id": int(key), "name": _text(name)} for key, name in kinds]},
        "selector": {"type": "single", "options": [option(key, name) for key, name in kinds]},
    }
    return [vacation, control("Textarea", 2, "请假事由"), control("File", 3, "说明附件", require=0)]


def _expense() -> list[dict[str, Any]]:
    rows = [control("Date", 21, "日期", date={"type": "day"}), control("Money", 22, "金额")]
    kinds = [option("option-1", "差旅"), option("option-2", "办公"), option("option-3", "招待")]
    return [
        control("Selector", 1, "费用类型", selector={"type": "single", "options": kinds}),
        control("Table", 2, "费用明细", table={"children": rows, "print_format": 0}),
        control("Formula", 3, "合计", require=0),
        control("File", 4, "发票", require=0, file={"is_only_photo": 0}),
    ]


def _general() -> list[dict[str, Any]]:
    return [
        control("Text", 1, "申请内容"),
        control("Textarea", 2, "审批详情", require=0),
        control("Contact", 3, "相关同事", require=0, contact={"type": "multi", "mode": "user"}),
        control("File", 4, "附件", require=0),
    ]


def _seal() -> list[dict[str, Any]]:
    kinds = [option("option-1", "公章"), option("option-2", "合同章"), option("option-3", "法人章")]
    return [
        control("Text", 1, "用印文件名称"),
        control("Selector", 2, "印章类型", selector={"type": "multi", "options": kinds}),
        control("Number", 3, "份数"),
        control("Date", 4, "用印时间", date={"type": "hour"}),
    ]


def _overtime() -> list[dict[str, Any]]:
    attendance = {"type": 5, "date_range": {"type": "hour"}}
    return [control("Attendance", 1, "加班时间", attendance=attendance), control("Textarea", 2, "加班事由")]


def _punch() -> list[dict[str, Any]]:
    return [control("PunchCorrection", 1, "补卡"), control("Textarea", 2, "补卡事由")]


def seed_templates(desk: ApprovalDesk) -> None:
    """Six templates with fixed ids, each decided by the applicant's leader unless it says otherwise."""
    choosing = Flow([], self_select=True)
    for template in (
        Template("3TmplSandboxGeneral000000000000000001", _text("通用审批"), _general()),
        Template("3TmplSandboxLeave00000000000000000002", _text("请假"), _leave(), record_type=1),
        Template("3TmplSandboxExpense000000000000000003", _text("费用报销"), _expense()),
        Template("3TmplSandboxSeal000000000000000000004", _text("用印申请"), _seal(), flow=choosing),
        Template("3TmplSandboxOvertime00000000000000005", _text("加班"), _overtime(), record_type=5),
        Template("3TmplSandboxPunch00000000000000000006", _text("打卡补卡"), _punch(), record_type=2, by_api=False),
    ):
        desk.add_template(template)
