"""D2: one table gives event → subject, so that one subject is handled by one worker at a time (F11)."""

from __future__ import annotations

import pytest

from callbacks.envelope import parse, read_header
from callbacks.subjects import subject_of
from tests.builders.callbacks import payload, plain_event


def subject(xml: bytes) -> str:
    root = parse(xml)
    return subject_of(root, read_header(root))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("change_contact__update_user__renamed", "user:u001"),
        ("change_contact__delete_user", "user:u001"),
        ("change_contact__create_party", "party:9"),
        ("change_contact__update_tag", "tag:4"),
        ("sys_approval_change", "sp:202311140007"),
        ("sys_approval_change__number_only", "sp:202311140007"),
        ("open_approval_change", "sp:2024-000077"),
        ("change_external_chat__create", "chat:wrPartnerRoom01"),
        ("template_card_event__button", "card:task-2024-77:u001"),
        ("template_card_menu_event", "card:task-2024-77:u001"),
        ("message__text", "user:u001"),
        ("subscribe", "user:u001"),
        ("batch_job_result__export_user", "job:jobid_export"),
        ("security__change_domain_ip", "event:security.change_domain_ip"),
    ],
)
def test_an_event_is_about(name: str, expected: str) -> None:
    assert subject(payload(name)) == expected


def test_userids_are_folded() -> None:
    """F24: the platform ignores case in userids."""
    assert subject(plain_event(sender="LiSi")) == "user:lisi"
    changed = plain_event(
        "change_contact", sender="sys", more="<ChangeType>update_user</ChangeType><UserID>U001</UserID>"
    )
    assert subject(changed) == "user:u001"


def test_an_unknown_event_belongs_to_its_sender_or_its_type() -> None:
    assert subject(plain_event("brand_new", sender="li")) == "user:li"
    assert subject(plain_event("brand_new", sender="sys")) == "event:brand_new"


def test_an_endless_id_still_fits_an_index() -> None:
    long = plain_event("template_card_event", more=f"<TaskId>{'x' * 5000}</TaskId>")

    assert subject(long).startswith("card:sha256-")
    assert len(subject(long)) < 100
