"""What the report of a sync run says: why something is missing, and which page of the console cures it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.limits.usage.windows import BEIJING
from app.sync.changes.report import ReleaseEffect

VISIBLE_RANGE_PAGE = "管理后台 → 应用管理 → 自建 → 本应用 → 可见范围"
TRUSTED_IP_PAGE = "管理后台 → 应用管理 → 自建 → 本应用 → 开发者接口 → 企业可信IP"
CONTACTS_IP_PAGE = "管理后台 → 安全与管理 → 管理工具 → 通讯录同步 → 可信IP"
CONTACTS_PAGE = "管理后台 → 安全与管理 → 管理工具 → 通讯录同步"

MOST_GROUPS = 5

NO_DETAILS = 48009
NO_RIGHT = 60011
IP_NOT_TRUSTED = 60020

CREDENTIAL_NAMES = {"app": "自建应用", "contacts": "通讯录同步"}
IP_PAGES = {"app": TRUSTED_IP_PAGE, "contacts": CONTACTS_IP_PAGE}


def refused(*, credential: str, what: str, errcode: int, meaning: str, cure: str, caller_ip: str | None) -> str:
    """One refusal in one sentence, with the page that cures it."""
    who = CREDENTIAL_NAMES[credential]
    if errcode == IP_NOT_TRUSTED:
        address = f"（本机出口 IP：{caller_ip}）" if caller_ip else ""
        return (
            f"{who}凭证读取{what}被拒绝：出口 IP 不在可信名单{address}。"
            f"请到「{IP_PAGES[credential]}」添加该 IP，约 1 分钟后生效（60020）。"
        )
    if errcode == NO_DETAILS:
        return (
            f"{who}凭证只能读取成员和部门的 ID，不能读取详情（48009）。"
            f"详情改由自建应用读取，请把「{VISIBLE_RANGE_PAGE}」设为全公司。"
        )
    if errcode == NO_RIGHT:
        return f"{who}凭证无权读取{what}（60011）。请到「{VISIBLE_RANGE_PAGE}」把它加入可见范围。"
    return f"{who}凭证读取{what}失败：{meaning}（{errcode}）。{cure}"


def not_reached(*, credential: str, what: str, reason: str) -> str:
    return (
        f"{CREDENTIAL_NAMES[credential]}凭证读取{what}时没有得到可用的应答（{reason}）。"
        "下次同步会再读；请检查网络、代理和接口地址。"
    )


def not_understood(*, credential: str, what: str) -> str:
    """An answer came, with HTTP 200, and says nothing: no network is to blame."""
    return (
        f"{CREDENTIAL_NAMES[credential]}凭证读取{what}时得到了应答，但内容不是企业微信约定的格式，无法采用。"
        "没有读到的部分保持原样，下次同步会再读；如果每次都这样，请检查接口地址是否指向企业微信，或联系企业微信客服。"
    )


def kept_back(*, credential: str, what: str, why: str, until: datetime) -> str:
    reason = "企业微信暂停了这个接口" if why == "blocked" else f"调用额度已用完（{why}）"
    moment = until.astimezone(BEIJING).strftime("%m-%d %H:%M")
    return (
        f"{CREDENTIAL_NAMES[credential]}凭证读取{what}没有完成：{reason}，{moment} 之后恢复。"
        "没有读到的部分保持原样，恢复后的下次同步会再读；用量见 steward quota。"
    )


def outside_range(count: int) -> str:
    return (
        f"有 {count} 人不在本应用的可见范围内：只知道账号，读不到姓名、职务和状态，也无法向他们发消息。"
        f"他们不会被当作离职。请到「{VISIBLE_RANGE_PAGE}」把他们所在的部门加入（建议设为全公司）。"
    )


def ids_unread() -> str:
    return (
        f"没有读到企业的完整账号名单，本次没有把任何人记为缺失或离职。请检查「{CONTACTS_PAGE}」里的 Secret 和可信 IP。"
    )


def ids_empty() -> str:
    return "企业的账号名单是空的：企业里至少有一个人，这样的名单不可信，当作没有读到。"


def _some(ids: Sequence[int]) -> str:
    """As many as fit a line."""
    return "、".join(str(one) for one in ids[:10]) + (" 等" if len(ids) > 10 else "")  # noqa: PLR2004


def pages_deny_ids(departments: Sequence[int]) -> str:
    """Answered with errcode 0, and nobody or too few where the list of ids names people."""
    return (
        f"有 {len(departments)} 个部门（部门 {_some(departments)}）本应用看得到，读到的成员却比企业的账号名单少："
        "两份应答互相矛盾，少的人当作没有读到，不当作在可见范围之外。"
    )


def details_unread(departments: Sequence[int]) -> str:
    where = f"（部门 {_some(departments)}）" if departments else ""
    return f"有 {len(departments)} 个部门的成员详情没有读全{where}：已知的成员保持原状，没有人因此被改为不可见。"


def incomplete(again_at: datetime | None) -> str:
    if again_at is None:
        return "这次没有读全，下一次同步会再读。"
    return f"这次没有读全，{again_at.astimezone(BEIJING):%m-%d %H:%M} 之后会自动再读一次，不必等到下一次定时同步。"


def app_unread() -> str:
    return (
        "自建应用没有读到通讯录，本次只更新了账号与部门的对应关系；"
        "已知成员的姓名、职务和状态保持原样，没有人因此被改为不可见。"
    )


def newcomers_without_details(count: int, userids: Sequence[str]) -> str:
    shown = "、".join(userids)
    more = " 等" if count > len(userids) else ""
    return (
        f"有 {count} 名新成员（{shown}{more}）只读到了账号，没有读到姓名和状态：先记为不可见，"
        "暂时收不到消息；读到详情的那次同步会更正。"
    )


def bad_rows(count: int) -> str:
    return f"有 {count} 处数据不合规范（见 bad_rows），已跳过这些值，其余照常处理。"


def repaired(count: int, examples: Sequence[str]) -> str:
    more = " 等" if count > len(examples) else ""
    return (
        f"有 {count} 处文字含有非法字符（{'；'.join(examples)}{more}），去掉或以“�”代替后照常保存，其余不受影响。"
        "请在管理后台把它们改正。"
    )


def rings(ids: Sequence[int]) -> str:
    return (
        f"有 {len(ids)} 个部门的上级部门是它们自己或自己的下级（{_some(ids)}）："
        "仍按企业微信的数据保存，部门树里把其中排在最前的一个显示在顶层。请在管理后台调整它们的上级部门。"
    )


def orphan_departments(ids: Sequence[int]) -> str:
    shown = "、".join(str(department) for department in ids[:10])
    return f"有 {len(ids)} 个部门的上级部门不可见（{shown}），已按顶层部门处理。"


def orphan_memberships(ids: Sequence[int]) -> str:
    shown = "、".join(str(department) for department in ids[:10])
    return f"有成员属于我们读不到的部门（{shown}），归属已保留。"


def held(
    *,
    people: tuple[int, int] | None,
    sight: tuple[int, int] | None,
    departments: tuple[int, int] | None,
    places: tuple[int, int] | None,
) -> str:
    """What is held back; each pair is (lost, of)."""
    parts = [
        f"{count[0]}/{count[1]} {what}"
        for count, what in (
            (people, "人"),
            (sight, "名应用可见的成员"),
            (departments, "个部门"),
            (places, "个群成员位置"),
        )
        if count is not None
    ]
    return (
        f"本次同步将失去 {'、'.join(parts)}，超过制度规定的上限，已暂停这些变更，其余变更已生效。"
        "请核对名单：确属实情就放行（steward sync --release），是平台或权限的问题就驳回（steward sync --reject）。"
    )


def on_release(effect: ReleaseEffect) -> str:
    """Before anybody says yes: who counts as gone, and what follows."""
    groups = "、".join(f"{one.group}（{one.owner}）" for one in effect.owners[:MOST_GROUPS])
    more = f" 等 {len(effect.owners)} 个" if len(effect.owners) > MOST_GROUPS else ""
    parts = [f"退出共 {effect.group_places} 个群成员位置"] if effect.group_places else []
    if effect.owners:
        parts.append(f"这些群要换群主：{groups}{more}")
    follows = f"，并{'，'.join(parts)}" if parts else ""
    missing = f"，其中 {effect.missing} 人只是这次没有读到，放行就代替下一次核对" if effect.missing else ""
    return f"一旦放行，{len(effect.departures)} 人立即按离职或停用处理{missing}{follows}。名单见 held.on_release。"


def tag_held(name: str, before: int, after: int) -> str:
    return f"标签「{name}」的成员从 {before} 项变为 {after} 项，超过上限，暂不更新，放行后生效。"


def hint_held(userid: str) -> str:
    return f"成员 {userid} 的离职、停用或不可见消息使近期的减少超过上限，暂不生效，等下一次全量同步核对。"


def person_not_found(userid: str) -> str:
    return f"企业微信里查不到成员 {userid}：没有这个成员，或不在可见范围内，没有更新任何人。"


def department_not_found(department_id: int) -> str:
    return f"企业微信里查不到部门 {department_id}：没有这个部门，或不在可见范围内，没有更新任何部门。"


def tag_not_found(tag_id: int) -> str:
    return f"企业微信里查不到标签 {tag_id}：标签已删除，或应用无权查看，保留原有成员。"


def superseded(by: object) -> str:
    return f"已有更新的同步 {by}，本次待放行的变更作废；请看新的那次。"


def taken_over(by: object) -> str:
    return f"这次同步中断了（没有心跳），由 {by} 从头重做。"


def both_failed() -> str:
    return "两个凭证都没有读到通讯录，本次同步没有改变任何数据。"


def nobody_read() -> str:
    return "这次同步一个人也没有读到，视为失败，没有改变任何数据；稍后会自动再读。"


def crashed(kind: str) -> str:
    return f"同步过程出错（{kind}），没有改变任何数据，或已按步骤完整提交；下次同步会重新比对。"
