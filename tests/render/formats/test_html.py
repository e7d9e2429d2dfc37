"""The HTML report: names add nothing to it, it needs nothing else, its pictures have words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from benchbench.render.charts.heat_map import MOST_CONFUSED, MOST_LABELS
from benchbench.render.formats.html import digest, render
from tests.support.reports import HOSTILE, leaderboard, section

VOID = {"meta", "link", "input"}


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of each."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.others, self.open = [], [], [], []
        self.texts = Counter()
        self.said = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(name for name, _ in attributes)))
        self.attributes.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, []))

    def handle_endtag(self, tag):
        opened, texts = self.open.pop()
        assert opened == tag
        self.said.append((tag, "".join(texts)))

    def handle_data(self, data):
        for _, texts in self.open:
            texts.append(data)

    def handle_comment(self, data):
        self.others.append(data)

    def handle_decl(self, decl):
        self.others.append(decl)

    unknown_decl = handle_pi = handle_comment

    def all(self, tag):
        return [text for found, text in self.said if found == tag]


def report(name=None, **facts):
    """Return the report of a small board on which a name stands wherever a name can stand."""
    parts = (section(6, 5, name=name), section(5, 30, single=False, name=name))
    return render(leaderboard(*parts, title=name or "title", note=name or "note", **facts))


HARMLESS = Page(report("plain-name"))


def shown(name):
    r"""Return what a reader should see of a name: hidden characters by their number."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in name)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_adds_no_element_and_no_attribute(name):
    page = Page(report(name))
    assert page.elements == HARMLESS.elements
    assert page.others == ["DOCTYPE html"]
    assert page.open == []
    assert page.all("h1") == page.all("title")[:1] == [shown(name)]
    assert page.all("h2")[:2] == [shown(name)] * 2
    assert page.all("th").count(shown(name)) >= 6
    assert page.all("desc") and page.all("script") == HARMLESS.all("script")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_attributes_hold_no_name(name):
    page = Page(report(name))
    for (_, hostile), (_, plain) in zip(page.attributes, HARMLESS.attributes, strict=True):
        assert hostile == plain


def test_the_test_would_see_an_element():
    raw = report("NAME").replace("NAME", "<b onclick=x>NAME</b>", 1)
    assert Page(raw).elements != HARMLESS.elements


def test_the_same_board_gives_the_same_bytes():
    assert report().encode() == report().encode()


def test_a_page_refers_to_nothing_outside():
    text = report("http://example.org/x.js")
    for _, attributes in Page(text).attributes:
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("style", "src", "srcdoc")
            if "href" in name:
                assert re.fullmatch(r"#[a-z0-9-]+|data:,", value)
    assert "url(" not in text and "@import" not in text and "xmlns" not in text


def test_the_policy_allows_the_one_style_and_the_one_script_by_their_digests():
    page = Page(report("</script><script>alert(1)</script>"))
    (policy,) = (each["content"] for _, each in page.attributes if "http-equiv" in each)
    (script,), (style,) = page.all("script"), page.all("style")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'{digest(style)}'",
        "script-src": f"'{digest(script)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_every_picture_says_what_it_shows():
    page = Page(report())
    ids = {each["id"] for _, each in page.attributes if "id" in each}
    pictures = [each for tag, each in page.attributes if tag == "svg"]
    assert len(pictures) > 30
    for each in pictures:
        assert each["role"] == "img"
        assert set(each["aria-labelledby"].split()) <= ids
    assert len(page.all("desc")) == len(pictures)
    assert all(text.strip() for text in (*page.all("desc"), *page.all("title")))


def test_ids_are_unique_and_every_reference_to_one_is_good():
    page = Page(report())
    ids = Counter(each["id"] for _, each in page.attributes if "id" in each)
    assert set(ids.values()) == {1}
    for _, each in page.attributes:
        references = [*each.get("aria-labelledby", "").split(), *each.get("for", "").split()]
        references += [each["href"][1:]] if each.get("href", "").startswith("#") else []
        assert set(references) <= set(ids)


def test_cells_carry_the_unrounded_values_and_empty_ones_none():
    page = Page(report())
    values = [each.get("data-value") for tag, each in page.attributes if tag == "td"]
    first = section(6, 5).evidence.systems[0]
    assert repr(first.interval.low) in values
    assert None in values and "None" not in values


def test_a_board_without_evidence_has_its_ranking_costs_and_curves():
    bare = replace(section(), evidence=None)
    page = Page(render(leaderboard(bare)))
    assert page.all("h3")[:2] == ["Ranking", "Quality against cost"]
    assert "Learning curves" in page.all("h3") and "Differences" not in page.all("h3")


def test_a_board_without_results_says_so():
    empty = section()
    tables = (replace(empty.tables[0], rows=()),)
    bare = replace(
        empty, tables=tables, evidence=None, curves=(), failures=(), notes=(), mistakes=()
    )
    page = Page(render(leaderboard(bare)))
    assert "No cell has a result yet." in page.all("p")
    assert page.all("h3") == ["Ranking"]


def test_what_is_wrong_has_a_part_with_its_texts_and_a_table_without_rows_is_its_notes():
    page = Page(report())
    assert page.all("h3").count("What is wrong") == 2
    titles = page.all("caption")
    assert "Documents that A document. gets wrong" in titles
    assert "Labels that may be wrong" not in titles
    assert page.all("p").count("test: 0 of 9.") == 2
    assert ("td", {"class": "passage"}) in page.attributes
    unread = replace(section(), mistakes=())
    assert "What is wrong" not in Page(render(leaderboard(unread))).all("h3")


def test_one_system_alone_has_no_differences():
    page = Page(render(leaderboard(section(1, 5))))
    assert "Differences" not in page.all("h3") and "Reliability" in page.all("h3")


def test_fifteen_systems_on_two_datasets_stay_small():
    board = leaderboard(section(15, 5), section(15, 19, single=False))
    assert len(render(board).encode()) < 1_500_000


def test_many_systems_and_labels_stay_bounded_and_say_what_is_left_out():
    many = section(45, 451)
    text = render(leaderboard(many, section(45, 451, single=False)))
    tested = sum(count > 0 for count in many.evidence.support)
    assert len(text.encode()) < 8_000_000
    assert f"{MOST_LABELS} of {tested} labels" in text
    assert f"{MOST_CONFUSED} of 451 labels" in text
