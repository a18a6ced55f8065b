"""P5, P8: whatever the trail says is said to people in a sentence, in both languages."""

from __future__ import annotations

from app.audit.sentences import SENTENCES, sentence_of
from app.events.service import events_by_type


def test_every_action_has_its_sentence() -> None:
    assert sorted(set(events_by_type()) - set(SENTENCES)) == []


def test_both_languages_say_something_and_no_two_actions_the_same() -> None:
    assert [one for one in SENTENCES.values() if not one.english.isascii() or one.chinese.isascii()] == []
    assert len({one.chinese for one in SENTENCES.values()}) == len(SENTENCES)
    assert len({one.english for one in SENTENCES.values()}) == len(SENTENCES)


def test_an_action_of_a_later_release_is_named_as_it_is() -> None:
    assert sentence_of("thing.happened") == ("thing.happened", "thing.happened")
