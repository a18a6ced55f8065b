"""What each action of the trail says to people: one catalogue in Chinese and English, for timelines and traces.

A sentence is whole without its actor, who stands beside it; names and numbers are shown with what it is about. An
action without one is a fault that a test finds.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Sentence(NamedTuple):
    chinese: str
    english: str


SENTENCES: Final = {
    # requests
    "request.submitted": Sentence("提交了申请", "The request was submitted"),
    "request.approved": Sentence("申请已同意", "The request was approved"),
    "request.rejected": Sentence("申请已驳回", "The request was rejected"),
    "request.withdrawn": Sentence("申请已撤回", "The request was withdrawn"),
    "request.objected": Sentence("当事人提出异议", "Whom it is about has objected"),
    "request.done": Sentence("申请的事项已办成", "What was approved is done"),
    "request.failed": Sentence("申请的事项没有办成", "What was approved could not be done"),
    "request.retried": Sentence("重新办理已同意的事项", "What was approved was tried again"),
    "request.reminded": Sentence("催促了尚未表态的审批人", "The approvers who had not decided were reminded"),
    "request.escalated": Sentence("审批超时，加请上级审批", "The step took too long and a superior was asked as well"),
    "request.reassigned": Sentence("审批人离岗，改请他人审批", "An approver left and others were asked instead"),
    "request.unstaffed": Sentence("审批人离岗，无人可以接替", "An approver left and nobody can be asked instead"),
    "step.approved": Sentence("审批人同意", "An approver agreed"),
    "step.rejected": Sentence("审批人驳回", "An approver disagreed"),
    "step.passed": Sentence("此步无需审批", "The step passed without a decision"),
    # groups
    "group.registered": Sentence("群已登记", "The group was registered"),
    "group.created": Sentence("群已在企业微信建成", "WeCom created the group"),
    "group.failed": Sentence("企业微信拒绝建群", "WeCom refused to create the group"),
    "group.lost": Sentence("群在企业微信里已被解散", "The group was dissolved in WeCom"),
    "group.found_again": Sentence("被认为解散的群又出现了", "The group that was thought lost was found again"),
    "group.owner_left": Sentence("群主离岗，等待新的群主", "The owner left and the group waits for another"),
    "group.owner_changed": Sentence("更换了群主", "The owner was changed"),
    "group.deputy_changed": Sentence("更换了副群主", "The deputy was changed"),
    "group.deputy_left": Sentence("副群主离职", "The deputy left the company"),
    "group.comparison_asked": Sentence("要求立即核对此群", "A comparison of the group was asked for"),
    "group.loss_accepted": Sentence(
        "认可了群内人员的大量减少", "A reading that showed many people gone was vouched for"
    ),
    "groups.comparison_asked": Sentence("要求立即核对所有的群", "A comparison of every group was asked for"),
    "member.admitted": Sentence("同意成员入群", "Somebody was admitted"),
    "member.joined": Sentence("成员已在群内", "Somebody is in the group now"),
    "member.let_go": Sentence("同意成员退群", "Somebody was allowed to leave"),
    "member.left": Sentence("成员已退群", "Somebody has left the group as decided"),
    "member.departed": Sentence("成员离职，从名册除去", "A member left the company and was taken off the roster"),
    "member.stays_out": Sentence("返岗人员没有回到群内", "Somebody who came back was not put into the group again"),
    "member.left_unapproved": Sentence("成员未经批准离群", "Somebody left the group unapproved"),
    "roster.failed": Sentence("企业微信拒绝变更群成员", "WeCom refused a change of the members"),
    "finding.opened": Sentence("发现差异", "A difference that nobody approved was found"),
    "finding.resolved": Sentence("差异已消除", "The difference was resolved"),
    # announcements and tasks
    "announcement.published": Sentence("发布了通知", "The announcement was published"),
    "announcement.confirmed": Sentence("确认收到通知", "Somebody confirmed the announcement"),
    "announcement.escalated": Sentence("逾期未确认，告知上级", "A superior was told of a receipt that is late"),
    "announcement.closed": Sentence("通知的回执已截止", "The receipts were closed"),
    "task.assigned": Sentence("布置了任务", "The task was assigned"),
    "task.accepted": Sentence("接受了任务", "The task was accepted"),
    "task.progressed": Sentence("汇报了进展", "Progress was reported"),
    "task.blocked": Sentence("汇报任务遇到困难", "The task was reported as blocked"),
    "task.resumed": Sentence("遇到困难的任务重新开始", "The blocked task went on"),
    "task.reminded": Sentence("催促了负责人", "The owner of the task was reminded"),
    "task.overdue": Sentence("任务逾期", "The task became overdue"),
    "task.escalated": Sentence("任务逾期，告知上级", "A superior was told of the overdue task"),
    "task.done": Sentence("任务已完成", "The task was done"),
    "task.cancelled": Sentence("任务已取消", "The task was cancelled"),
    "task.handed_over": Sentence("负责人离岗，任务移交他人", "The owner left and somebody else has the task"),
    # people and syncs
    "person.departed": Sentence("离职或账号停用", "The person left or was disabled"),
    "userid.linked": Sentence("账号归还给原来的人", "The account was linked to its former person"),
    "userid.separated": Sentence("账号确认属于新人", "The account was found to belong to a new person"),
    "sync_run.read_again": Sentence("又读到了此前读不到的人或部门", "People or departments were read again"),
    "sync_run.released": Sentence("放行了暂缓的减少", "The held losses were released"),
    "sync_run.rejected": Sentence("驳回了暂缓的减少", "The held losses were rejected"),
    # the service itself
    "policy.applied": Sentence("应用了新的制度版本", "A version of the policy was applied"),
    "digest.sent": Sentence("发出了今日待办", "The morning digest was sent"),
    "calendar.changed": Sentence("更改了工作日历", "The working calendar was changed"),
    "api_key.created": Sentence("创建了接口密钥", "The API key was created"),
    "api_key.changed": Sentence("更改了接口密钥可代表的人", "In whose name the API key may act was changed"),
    "api_key.ended": Sentence("停用了接口密钥", "The API key was ended"),
    "confirmation.asked": Sentence("提出了需要另一人确认的操作", "An act was asked that another person confirms"),
    "confirmation.confirmed": Sentence("另一人确认，操作已执行", "Another person confirmed and it was carried out"),
    "confirmation.refused": Sentence("另一人驳回，操作未执行", "Another person refused and nothing was done"),
    "confirmation.withdrawn": Sentence("提出人撤回了待确认的操作", "Who had asked for the act took it back"),
    "confirmation.expired": Sentence("待确认的操作逾期未答", "Nobody answered in time about an act that needs two"),
    "limit.changed": Sentence("更改了用量上限", "The limit was changed"),
    "limit.unblocked": Sentence("解除了接口的暂停", "The path was unblocked"),
    "list.exported": Sentence("导出了列表", "A list was taken as a file"),
    "delivery.retried": Sentence("重新发送", "The delivery was sent again"),
    "call.retried": Sentence("重新调用", "The call was made again"),
    "call.resolved_done": Sentence("人工核对：已生效", "A person found that the call had its effect"),
    "call.resolved_failed": Sentence("人工核对：没有生效", "A person found that the call had no effect"),
    "call.arrived_after_all": Sentence("判为失败的调用其实已生效", "The call arrived after all"),
    "menu.set": Sentence("设置了应用菜单", "The menu of the app was set"),
    "callback.replayed": Sentence("重新处理了回调", "The callback was handled again"),
    # access
    "session.started": Sentence("登录", "A session was started"),
    "session.ended": Sentence("退出登录", "A session was ended"),
    "person.signed_out": Sentence("结束了此人的全部登录", "Somebody was signed out everywhere"),
    "access.granted": Sentence("授予了权限", "Access was granted"),
    "access.revoked": Sentence("收回了权限", "Access was revoked"),
}


def sentence_of(action: str) -> Sentence:
    """The action's own name where a later release has written the row."""
    return SENTENCES.get(action) or Sentence(action, action)
