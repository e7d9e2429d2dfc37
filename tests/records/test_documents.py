"""Documents: one spelling, one checksum, a bounded size; any other file is refused in one line."""

from __future__ import annotations

import json

import pytest

from benchbench.contract import StoreError
from benchbench.machine import canonical, digest
from benchbench.records import documents
from benchbench.records.documents import read_sealed, sealed, unsealed

CONTENT = {"title": "Größe", "a": [1, 2.5, None]}


def test_a_document_is_read_as_it_was_written():
    assert unsealed(sealed(CONTENT), "here") == CONTENT


def text():
    return sealed(CONTENT).decode()


def with_a_name_twice():
    """Return a document in which a name stands twice, with the checksum of what a reader sees."""
    return text().replace('{"a"', '{"a":0,"a"', 1)


def unchecked(number):
    """Return a document whose checksum is that of its own spelling."""
    body = f'{{"a":{number}'
    return f'{body},"sha256":"{digest(json.loads(body + "}"))}"}}\n'


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(lambda: b"\xef\xbb\xbf" + text().encode(), "cannot be read", id="bom"),
        pytest.param(lambda: text().encode("utf-16"), "cannot be read", id="utf-16"),
        pytest.param(lambda: b"\xff" + text().encode(), "cannot be read", id="not-utf-8"),
        pytest.param(lambda: f" {text()}".encode(), "in another way", id="a-space"),
        pytest.param(lambda: text()[:-1].encode(), "in another way", id="no-newline"),
        pytest.param(lambda: with_a_name_twice().encode(), "in another way", id="a-name-twice"),
        pytest.param(lambda: unchecked("1.50").encode(), "in another way", id="another-spelling"),
        pytest.param(
            lambda: json.dumps(json.loads(text()), sort_keys=True).encode(), "in another way",
            id="escapes",
        ),
        pytest.param(lambda: b'{"a":NaN,"sha256":""}\n', "cannot be read", id="nan"),
        pytest.param(lambda: b'{"a":1e999,"sha256":""}\n', "cannot be read", id="infinite"),
        pytest.param(lambda: b'{"a":' + b"9" * 5000 + b"}\n", "cannot be read", id="digits"),
        pytest.param(lambda: b"[" * 100_000, "cannot be read", id="nested"),
        pytest.param(lambda: b"[]\n", "no checksum", id="a-list"),
        pytest.param(lambda: b"{}\n", "no checksum", id="no-checksum"),
        pytest.param(lambda: canonical({"sha256": []}), "its own checksum", id="a-list-for-it"),
    ],
)  # fmt: skip
def test_any_other_spelling_is_refused_in_one_line(document, message):
    with pytest.raises(StoreError, match=message) as caught:
        unsealed(document(), "here")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_document_too_large_to_read_is_neither_read_nor_written(monkeypatch, tmp_path):
    monkeypatch.setattr(documents, "MOST_BYTES", 200)
    large = {"title": "x" * 200}
    with pytest.raises(StoreError, match="bytes, more than 200"):
        sealed(large)
    (tmp_path / "large.json").write_bytes(canonical({**large, "sha256": digest(large)}))
    with pytest.raises(OSError, match="more than"):
        read_sealed(tmp_path / "large.json")
    monkeypatch.setattr(documents, "MOST_CONTAINERS", 3)
    with pytest.raises(StoreError, match="4 lists and tables"):
        unsealed(b"[[],[],[]]", "here")
