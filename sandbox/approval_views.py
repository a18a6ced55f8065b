"""An application as the API, the callback and the phone show it: both the newer and the older view of its nodes."""

from collections.abc import Callable
from typing import Any

from sandbox.approval import ADDED_AND_AGREED, AGREED, ANY, APPROVER, COPY, FORWARDED, PENDING, Application, Node, Share
from sandbox.company import Company
from sandbox.events import element, elements, envelope

OLD_ANY, OLD_ALL = 1, 2
APPROVAL_APP = 3_010_040
"""The 审批 app's own number, which its callbacks carry (doc path/91815)."""


def old_rel(node: Node) -> int:
    """`approverattr`: 1 any one, 2 all; the opposite of `apv_rel`. A sequence needs all."""
    return OLD_ANY if node.rel == ANY else OLD_ALL


def _old_nodes(application: Application) -> list[Node]:
    """The older view knows approvers only; those copied in stand in `notifyer`, handlers nowhere."""
    return [node for node in application.nodes if node.kind == APPROVER]


# The API


def detail(application: Application, company: Company) -> dict[str, Any]:
    """`info` of `oa/getapprovaldetail` (doc path/91983)."""
    template = application.template
    info: dict[str, Any] = {
        "sp_no": application.sp_no,
        "sp_name": template.name,
        "sp_status": application.status,
        "template_id": template.id,
        "apply_time": application.applied_at,
    }
    if application.batch:
        info["batch_applyer"] = [{"userid": who.userid(company)} for who in application.batch]
    else:
        applicant = application.applicant.userid(company)
        info["applyer"] = {"userid": applicant, "partyid": str(application.party)}
    return info | {
        "sp_record": [_old_node(node, company) for node in _old_nodes(application)],
        "notifyer": [{"userid": who.userid(company)} for who in application.copied()],
        "apply_data": {"contents": application.contents},
        "comments": [_comment(application, index, company) for index in range(len(application.comments))],
        "process_list": {"node_list": [_new_node(node, company) for node in application.nodes]},
    }


def _old_node(node: Node, company: Company) -> dict[str, Any]:
    details = [
        {
            "approver": {"userid": share.who.userid(company)},
            "speech": share.speech,
            "sp_status": share.opinion,
            "sptime": share.at,
            "media_id": share.media_ids,
        }
        for share in node.shares
    ]
    return {"sp_status": node.status, "approverattr": old_rel(node), "details": details}


def _new_node(node: Node, company: Company) -> dict[str, Any]:
    if node.kind == COPY:
        people = [{"userid": share.who.userid(company)} for share in node.shares]
        return {"node_type": COPY, "sub_node_list": people}
    shares = [
        {
            "userid": share.who.userid(company),
            "speech": share.speech,
            "sp_yj": share.opinion,
            "sptime": share.at,
            "media_ids": share.media_ids,
        }
        for share in node.shares
    ]
    return {"node_type": node.kind, "sp_status": node.status, "apv_rel": node.rel, "sub_node_list": shares}


def _comment(application: Application, index: int, company: Company) -> dict[str, Any]:
    comment = application.comments[index]
    return {
        "commentUserInfo": {"userid": comment.who.userid(company)},
        "commenttime": comment.at,
        "commentcontent": comment.content,
        "commentid": comment.id,
        "media_id": comment.media_ids,
    }


# The phone


def phone_view(application: Application, company: Company) -> dict[str, Any]:
    """For pages and scripts: who may decide now, and what the applicant wrote, besides the API's detail."""
    titles = {c["property"]["id"]: c["property"]["title"][0]["text"] for c in application.template.controls}
    return detail(application, company) | {
        "applicant": application.applicant.userid(company),
        "active": [share.who.userid(company) for share in application.active()],
        "fields": [
            {"id": c["id"], "control": c["control"], "title": titles.get(c["id"], ""), "text": value_text(c["value"])}
            for c in application.contents
        ],
        "summary": application.summary,
        "by_app": application.agent_id,
        "urged": application.urged,
    }


def value_text(value: dict[str, Any]) -> str:
    """A control's value in a line of text, as a list of applications shows it."""
    texts: dict[str, Callable[[Any], str]] = {
        "selector": lambda selector: "、".join(_option_text(option) for option in selector.get("options", [])),
        "members": _names,
        "departments": _names,
        "date": lambda date: str(date.get("s_timestamp", "")),
        "files": lambda files: f"{len(files)} 个附件",
        "children": lambda rows: f"{len(rows)} 行明细",
    }
    for name, inner in value.items():
        return texts.get(name, str)(inner)
    return ""


def _names(found: list[dict[str, Any]]) -> str:
    return "、".join(str(one.get("name", "")) for one in found)


def _option_text(option: dict[str, Any]) -> str:
    return str(option["value"][0]["text"]) if option.get("value") else str(option.get("key", ""))


# The callback


def change_event(application: Application, company: Company, corp_id: str, at: float, change: int) -> str:
    """`sys_approval_change` (doc path/91815). `AgentID` is the 审批 app's, whoever receives it."""
    template = application.template
    head = {
        "SpNoStr": application.sp_no,
        "SpNo": int(application.sp_no),
        "SpName": template.name,
        "SpStatus": application.status,
        "TemplateId": template.id,
        "ApplyTime": application.applied_at,
    }
    applicant = {"UserId": application.applicant.userid(company), "Party": str(application.party)}
    info = (
        elements(head)
        + f"<Applyer>{elements(applicant)}</Applyer>"
        + "".join(_old_node_xml(node, company) for node in _old_nodes(application))
        + "".join(f"<Notifyer>{element('UserId', who.userid(company))}</Notifyer>" for who in application.copied())
        + f"<ProcessList>{''.join(_new_node_xml(node, company) for node in application.nodes)}</ProcessList>"
        + "".join(_comment_xml(application, index, company) for index in range(len(application.comments)))
        + element("StatuChangeEvent", change)
    )
    rest = elements({"Event": "sys_approval_change", "AgentID": APPROVAL_APP})
    return envelope(corp_id, "sys", at, "event", f"{rest}<ApprovalInfo>{info}</ApprovalInfo>")


def _old_status(status: int) -> int:
    """`SpRecord` knows only 1 to 4: whoever agreed and asked somebody in has agreed, the rest are pending."""
    if status == ADDED_AND_AGREED:
        return AGREED
    return status if status <= FORWARDED else PENDING


def _old_node_xml(node: Node, company: Company) -> str:
    details = "".join(_old_share_xml(share, company) for share in node.shares)
    head = elements({"SpStatus": _old_status(node.status), "ApproverAttr": old_rel(node)})
    return f"<SpRecord>{head}{details}</SpRecord>"


def _old_share_xml(share: Share, company: Company) -> str:
    rest = elements({"Speech": share.speech, "SpStatus": _old_status(share.opinion), "SpTime": share.at})
    attached = "".join(element("Attach", media_id) for media_id in share.media_ids)
    return f"<Details><Approver>{element('UserId', share.who.userid(company))}</Approver>{rest}{attached}</Details>"


def _new_node_xml(node: Node, company: Company) -> str:
    shares = "".join(_new_share_xml(node, share, company) for share in node.shares)
    head = {"NodeType": node.kind}
    if node.kind != COPY:
        head |= {"SpStatus": node.status, "ApvRel": node.rel}
    return f"<NodeList>{elements(head)}{shares}</NodeList>"


def _new_share_xml(node: Node, share: Share, company: Company) -> str:
    user = f"<UserInfo>{element('UserId', share.who.userid(company))}</UserInfo>"
    if node.kind == COPY:
        return f"<SubNodeList>{user}</SubNodeList>"
    rest = elements({"Speech": share.speech, "SpYj": share.opinion, "Sptime": share.at})
    attached = "".join(element("MediaIds", media_id) for media_id in share.media_ids)
    return f"<SubNodeList>{user}{rest}{attached}</SubNodeList>"


def _comment_xml(application: Application, index: int, company: Company) -> str:
    comment = application.comments[index]
    user = f"<CommentUserInfo>{element('UserId', comment.who.userid(company))}</CommentUserInfo>"
    rest = {"CommentTime": comment.at, "CommentContent": comment.content, "CommentId": comment.id}
    attached = "".join(element("Attach", media_id) for media_id in comment.media_ids)
    return f"<Comments>{user}{elements(rest)}{attached}</Comments>"
