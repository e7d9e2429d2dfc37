"""A wrong value in any field of any document, signed again, ends in a result or in one line."""

from __future__ import annotations

import pytest

from tests.support.document_fuzz import (
    CHANGES,
    again,
    commands,
    fault,
    is_refused,
    outcome,
    packed,
    places,
    plant,
    planted,
    quicken,
)

EVERY_SO_MANY = 6
"""Of so many refused documents, one is given to a command: they refuse alike."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a store without faults, in which every field of every document has a value."""
    with pytest.MonkeyPatch.context() as patch:
        quicken(patch.setattr)
        yield planted(tmp_path_factory.mktemp("fuzz") / "made")


def test_without_a_change_every_command_succeeds(whole, tmp_path):
    again(whole, tmp_path / "store")
    packed(tmp_path / "store")
    for words in commands(tmp_path / "store", whole):
        code, out, _ = outcome(words)
        assert code == 0, out
        assert fault(words) == ""


@pytest.mark.parametrize("kind", ["boards", "evidence", "datasets", "runs"])
def test_a_wrong_value_in_any_field_ends_in_a_result_or_in_one_line(whole, tmp_path, kind):
    root = tmp_path / "store"
    found, refused = [], 0
    for number, place in enumerate(place for place in places(whole) if place.kind == kind):
        change = CHANGES[number * 7 % len(CHANGES)]
        again(whole, root)
        if not (path := plant(root, place, change)):
            continue
        no = is_refused(root, path)
        refused += no
        if no and number % EVERY_SO_MANY:
            continue
        packed(root)
        every = commands(root, whole)
        words = every[number % len(every)]
        if ended := fault(words):
            found.append(f"{place.name} {change}: {' '.join(map(str, words))}: {ended}")
    assert not found, "\n".join(found)
    assert refused, "no wrong value was refused"


def test_an_ending_that_is_not_one_line_would_be_noticed(monkeypatch):
    def two_lines():
        raise ValueError("first")

    monkeypatch.setattr("tests.support.document_fuzz.main", two_lines)
    assert fault(["verify"]).startswith("ValueError: first")
    monkeypatch.setattr("tests.support.document_fuzz.main", lambda: print("\x1b[31m"))
    assert "code" in fault(["verify"]) or "raw" in fault(["verify"])
