"""A leaderboard as markdown: names are data."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from benchbench import Reference
from benchbench.leaderboard.build import Leaderboard
from benchbench.render.formats.markdown import escape, render
from tests.support.building import board, built, cell, facts, ranked, record

HOSTILE = {
    "pipe": "a | b || c",
    "backslash-pipe": "a \\| b \\\\| c\\",
    "backticks": "`code` and ```block```",
    "newline": "one\ntwo\r\n\n# three",
    "heading": "# heading #",
    "script": "<script>alert(1)</script>",
    "image-tag": '<img src=x onerror="alert(1)">',
    "comment": "<!-- gone -->",
    "unclosed-tag": "<b",
    "processing": "<?php echo 1 ?><![CDATA[x]]>",
    "link": "[text](javascript:alert(1))",
    "image": "![text](http://example.org/x.png)",
    "reference": "[text][1]\n\n[1]: http://example.org",
    "footnote": "[^1] and [x]",
    "autolink": "<http://example.org>",
    "bare-link": "http://example.org www.example.org ftp://example.org",
    "mail": "someone@example.org and @someone",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ ~f~",
    "entity": "&lt;b&gt; &amp; &#60; &copy;",
    "bidi": "abc\u202edef\u2066ghi\u200f",
    "zero-width": "pay\u200bpal\ufeff\u00ad\u2060",
    "ansi": "\x1b[31mred\x1b[0m\x07\x9b2J",
    "nul": "a\0b\x7fc",
    "list": "- item",
    "numbered": "1. item",
    "code-by-indent": "        code",
    "rule": "---",
    "setext": "===",
    "task": "+ [x] done",
    "formula": "$x^2$ and $$y$$",
    "line-separators": "a\u2028b\u2029c\x85d",
    "lone-surrogate": "caf\udce9",
    "table-rule": "--- | :--: | ---:",
    "quote": "> said",
    "only-spaces": "   ",
}
TABLE = {
    "h1", "h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "p"
}  # fmt: skip
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class Page(HTMLParser):
    """Collects the elements, their attributes and the text that is seen."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.others, self.texts = [], [], [], {}
        self._open = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        self._open.remove(tag)

    def handle_data(self, data):
        for tag in set(self._open):
            self.texts[tag][-1] += data

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def page(table):
    return Page(MARKDOWN.render(render(table).encode().decode()))


def table_of(name):
    """Return a leaderboard in which a name stands wherever a name can stand."""
    reference = Reference(name, name)
    of = replace(cell(), dataset=reference, method=reference, backbone=reference)
    lost = replace(of, seed=1)
    records = [record(of), record(lost, "failed", reason=name)]
    records.append(record(replace(cell("other"), backbone=None)))
    known = {name: facts(unseen_labels=[name], warnings=[name]), "other": facts()}
    given = board(records, title=name, datasets=known, dropped=(name,), command=name)
    return built(records, given)


def seen(text):
    """Return a text as a browser shows it: no zero-width space, white space as one blank."""
    return " ".join(text.replace("\u200b", "").split())


def shown(name):
    """Return what a reader should see of a name: hidden characters by their number."""
    return seen(
        "".join(
            f"\\u{ord(character):04x}" if not character.isprintable() else character
            for character in name
        )
    )


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_shown_as_it_is_and_adds_no_markup(name):
    plain, found = page(table_of("plain name")), page(table_of(name))
    # the order of two sections follows their names
    assert sorted(found.elements) == sorted(plain.elements)
    assert set(found.elements) == TABLE
    assert {key for key, _ in found.attributes} <= {"style"}
    assert sorted(found.attributes) == sorted(plain.attributes)
    assert found.others == []
    assert seen(found.texts["h1"][0]) == shown(name)
    assert shown(name) in [seen(text) for text in found.texts["h2"]]
    assert [seen(text) for text in found.texts["td"]].count(shown(name)) == 4
    assert sum(shown(name) in seen(text) for text in found.texts["li"]) >= 5


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_line_that_begins_with_a_name_is_one_line(name):
    failing = ranked(("method", "F1"), failures=(name,))
    found = page(Leaderboard("title", (failing,), (name,)))
    assert found.elements.count("li") == found.elements.count("ul") == 2
    assert set(found.elements) <= TABLE
    assert seen(found.texts["li"][-1]) == shown(name)


def test_the_test_would_see_markup():
    raw = render(Leaderboard("plain", (), ("x",))).replace("x", "<b>x</b> [y](http://z)")
    found = Page(MARKDOWN.render(raw))
    assert {"b", "a"} <= set(found.elements)
    assert ("href", "http://z") in found.attributes


def test_no_escape_lets_a_link_be_made_of_bare_text():
    for text in ("http://a.b", "HTTPS://a.b", "www.a.b", "ftp://a.b", "mailto:a@b.c"):
        assert not re.search(r"(?i)(https?:|ftp:|www\.|mailto:|a@b)", escape(text))


def test_reasons_and_notes_are_lists_of_their_own():
    both = ranked(("method", "F1"), failures=("failed",), notes=("note",))
    assert page(Leaderboard("title", (both, both), ("last",))).elements.count("ul") == 5


def test_the_same_table_gives_the_same_bytes():
    assert render(table_of("x")) == render(table_of("x"))


def test_a_table_has_a_column_for_every_entry_and_numbers_to_the_right():
    section = ranked(("m", "b", "F1"), ("head", "llama", "0.5"), words=2)
    text = render(Leaderboard("t", (section,), ()))
    assert "| \\# | m | b | F1 |\n| ---: | --- | --- | ---: |\n| 1 | head | llama | 0.5 |" in text


def test_a_system_that_is_not_ranked_has_a_dash_for_a_place():
    section = ranked(("m", "b", "F1"), ("head", "llama", "0.5"), words=2, places=[None])
    text = render(Leaderboard("t", (section,), ()))
    assert "| – | head |" in text
