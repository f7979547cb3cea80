"""The HTML report."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from candid_verify import verify
from candid_verify.report import html_report


class Page(HTMLParser):
    """What a browser would find: tags, attributes, texts, and that tags are closed in order."""

    VOID = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.open, self.text = set(), [], [], ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def page_of(world, evidence, **options):
    verdict = verify(world.seal(evidence), log_key=world.key)
    return verdict, html_report(verdict, file_name="x.evidence", digest="00ff", **options)


@pytest.mark.parametrize("name", ["never-served", "usage", "not-used", "decision", "erased"])
def test_everything_is_on_the_page(world, all_evidence, name):
    verdict, html = page_of(world, all_evidence[name])
    page = Page(html)
    for text in (
        *verdict.established,
        *verdict.not_established,
        verdict.as_of,
        verdict.root,
        verdict.log,
        "00ff",
        name,
    ):
        assert text in page.text
    assert page.text.index("Established") < page.text.index("What is established") < page.text.index("How to repeat it")
    assert {"h1", "h2", "table", "th", "main"} <= page.tags
    assert ("lang", "en") in page.attributes
    assert f"<td>{verdict.entries[-1].index}</td>" in html


def test_nothing_from_elsewhere_and_nothing_that_runs(world, all_evidence):
    _, html = page_of(world, all_evidence["usage"])
    page = Page(html)
    assert not page.tags & {"script", "img", "link", "iframe", "object", "a", "form", "base"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert "@media print" in html
    assert not re.search(r"url\(|@import|https?:", html)


def test_texts_of_others_stay_texts(small_log):
    evil = "<script>alert(1)</script>&\"'><img src=x>"
    call = small_log.call("A" * 43, operation=evil, request=evil)
    evidence = small_log.evidence({"name": "decision", "request": evil}, [1, call])
    verdict, html = page_of(small_log, evidence)
    assert verdict.verdict == "established"
    page = Page(html)
    assert not page.tags & {"script", "img"}
    assert "<script>alert(1)</script>&" in page.text
    assert "&lt;script&gt;" in html_report(verdict, file_name=evil, digest="")


def test_an_invalid_file_has_a_page_too(world):
    verdict = verify(b"<b>", log_key=world.key)
    page = Page(html_report(verdict, file_name="x", digest=""))
    assert "Invalid" in page.text
    assert "this is no evidence file" in page.text
    assert "No claim could be read" in page.text
    assert "table" not in page.tags


def test_times_of_the_claim_are_for_people(world, all_evidence):
    _, html = page_of(world, all_evidence["not-used"])
    assert "2025-11-02T00:00:00.000Z" in html


def test_a_page_is_not_endless(small_log):
    for _ in range(1001):
        small_log.call("A" * 43)
    small_log.call("A" * 43, counts={f"n{number}": 1 for number in range(200)})
    small_log.statement("A" * 43)
    verdict, html = page_of(small_log, small_log.usage("A" * 43, small_log.of_kind("call/1", "statement/1")))
    assert verdict.verdict == "established"
    assert "4 further entries are in the file" in html
    assert html.count("<tr>") == 1001
