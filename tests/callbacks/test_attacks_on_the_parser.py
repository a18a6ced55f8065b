"""F5: the XML parser is closed to document types, entities and what is outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbacks.envelope import MAX_BODY, find_text, parse
from callbacks.errors import Reason, Refused
from callbacks.plaintext import read_plaintext

LAUGHS = "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' if level else '<!ENTITY l0 "lol">' for level in range(10)
)
BILLION_LAUGHS = f"<!DOCTYPE x [{LAUGHS}]><xml><MsgType>&l9;</MsgType></xml>"
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><xml><MsgType>{"&a;" * 50_000}</MsgType></xml>'
PARAMETER = '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd">%p;]><xml><MsgType>a</MsgType></xml>'

REFUSED = {
    "billion laughs": BILLION_LAUGHS,
    "quadratic blowup": QUADRATIC,
    "a file": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><MsgType>&e;</MsgType></xml>',
    "an address": '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/">]><xml><MsgType>&e;</MsgType></xml>',
    "a parameter entity": PARAMETER,
    "a document type outside": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><xml><MsgType>a</MsgType></xml>',
    "a public document type": '<!DOCTYPE x PUBLIC "-//x" "http://127.0.0.1:1/"><xml><MsgType>a</MsgType></xml>',
    "a bare document type": "<!DOCTYPE xml><xml><MsgType>a</MsgType></xml>",
    "attributes with defaults": '<!DOCTYPE x [<!ATTLIST xml a CDATA "b">]><xml><MsgType>a</MsgType></xml>',
    "after a comment": "<!-- --><!DOCTYPE xml [<!ENTITY a 'b'>]><xml><MsgType>&a;</MsgType></xml>",
    "after a declaration": "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE x><xml><MsgType>a</MsgType></xml>",
}


class TestDocumentTypesAndEntities:
    @pytest.mark.parametrize("xml", REFUSED.values(), ids=list(REFUSED))
    def test_they_are_refused(self, xml: str) -> None:
        with pytest.raises(Refused) as refusal:
            parse(xml[:MAX_BODY].encode())
        assert refusal.value.reason is Reason.ENTITIES

    @pytest.mark.parametrize(
        "xml",
        [
            "<xml><MsgType>&undeclared;</MsgType></xml>",
            "<!doctype xml><xml><MsgType>a</MsgType></xml>",
            "<! DOCTYPE xml><xml><MsgType>a</MsgType></xml>",
            "<xml><!ENTITY a 'b'><MsgType>&a;</MsgType></xml>",
            "<xml><![INCLUDE[<!ENTITY a 'b'>]]><MsgType>&a;</MsgType></xml>",
            "<xml><MsgType>&#xD800;</MsgType></xml>",
            "<xml><MsgType>&#0;</MsgType></xml>",
        ],
    )
    def test_without_a_document_type_nothing_can_be_declared(self, xml: str) -> None:
        with pytest.raises(Refused) as refusal:
            parse(xml.encode())
        assert refusal.value.reason is Reason.BAD_XML

    def test_an_include_reads_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("secret", encoding="utf-8")
        include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{tmp_path}/x" parse="text"/>'
        xml = f"<xml><MsgType>{include}</MsgType></xml>"

        assert find_text(parse(xml.encode()), "MsgType") == ""

    def test_a_style_sheet_and_other_instructions_are_nothing(self) -> None:
        xml = b'<?xml-stylesheet href="http://127.0.0.1:1/"?><xml><?php 1 ?><MsgType>a</MsgType></xml>'

        assert find_text(parse(xml), "MsgType") == "a"

    def test_the_five_that_every_document_has_are_read(self) -> None:
        assert find_text(parse(b"<xml><A>&lt;&amp;&gt;&quot;&apos;&#65;</A></xml>"), "A") == "<&>\"'A"

    @pytest.mark.parametrize("word", ["<!DOCTYPE html>", "<!ENTITY a 'b'> &a;"])
    def test_whoever_types_the_word_is_read(self, word: str) -> None:
        assert find_text(parse(f"<xml><Content><![CDATA[{word}]]></Content></xml>".encode()), "Content") == word


class TestEncodings:
    """The decoder is ours: UTF-8, whatever a declaration says."""

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"])
    def test_a_document_type_in_another_encoding_is_none(self, encoding: str) -> None:
        xml = f"<?xml version='1.0' encoding='{encoding}'?>{REFUSED['a file']}".encode(encoding)

        with pytest.raises(Refused) as refusal:
            parse(xml)
        assert refusal.value.reason in {Reason.NOT_UTF8, Reason.BAD_XML, Reason.ENTITIES}

    @pytest.mark.parametrize("declared", ["utf-16", "utf-7", "iso-8859-1", "gb18030", "nonsense"])
    def test_a_declared_encoding_changes_nothing(self, declared: str) -> None:
        xml = f"<?xml version='1.0' encoding='{declared}'?><xml><A>企微+ADw-</A></xml>"

        assert find_text(parse(xml.encode()), "A") == "企微+ADw-"

    @pytest.mark.parametrize("bytes_", [b"\xc0\xbc!DOCTYPE x>", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
    def test_overlong_and_other_false_utf8_is_refused(self, bytes_: bytes) -> None:
        with pytest.raises(Refused) as refusal:
            parse(b"<xml><A>" + bytes_ + b"</A></xml>")
        assert refusal.value.reason is Reason.NOT_UTF8


def _attributes(name: str, count: int) -> str:
    return " ".join(name.format(number) + "='u'" for number in range(count))


COSTLY = {
    "deep": "<xml>" + "<a>" * 70_000 + "</a>" * 70_000 + "</xml>",
    "deep and open": "<a>" * 170_000,
    "wide": "<xml>" + "<a/>" * 125_000 + "</xml>",
    "attributes": f"<xml {_attributes('a{}', 40_000)}/>",
    "namespaces": f"<xml {_attributes('xmlns:a{}', 25_000)}/>",
    "one name": "<" + "a" * 500_000 + "/>",
    "one comment": "<xml><!--" + "-x" * 240_000 + "--></xml>",
    "texts that never end": "<a><![CDATA[" * 40_000,
    "texts that end too early": "<a><![CDATA[]]>" * 33_000,
    "ends without a text": "<xml>" + "]]>" * 170_000 + "</xml>",
    "characters that are none": "<xml><A>" + "\x01" * 500_000 + "</A></xml>",
    "character references": "<xml><A>" + "&#65;" * 100_000 + "</A></xml>",
    "the word, again and again": "<xml><A><![CDATA[" + "<!DOCTYPE " * 50_000 + "]]></A></xml>",
}


@pytest.mark.parametrize("xml", COSTLY.values(), ids=list(COSTLY))
def test_half_a_mib_made_to_be_expensive_is_read_or_named_unreadable(xml: str) -> None:
    """Each of them takes milliseconds; what took squares of its length would take minutes here."""
    body = xml.encode()
    assert len(body) <= MAX_BODY

    _, header = read_plaintext(body)

    assert header.event_type in {"unreadable.bad_xml", "unreadable.wrong_content"}
