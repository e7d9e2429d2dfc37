"""Metrics of a label tree: against sets of nodes, document by document."""

from __future__ import annotations

import numpy as np
import pytest

from benchbench.evaluation import hierarchy
from tests.support.scored_cases import (
    evaluated,
    labels_of,
    metric,
    on_every_split,
    predictions,
    random_split,
    rows,
    scored,
    value,
)


def ancestors(node, parents):
    return {node} | (ancestors(parents[node], parents) if node in parents else set())


def closed_sets(split):
    """Yield the gold and the decided nodes of every document, ancestors included."""
    names = split.labels.space.columns
    for pair in rows(split):
        yield tuple(
            set().union(
                *(ancestors(name, split.labels.space.parents)
                  for name, has_label in zip(names, labels, strict=True) if has_label)
            )
            for labels in pair
        )  # fmt: skip


def share(part, whole):
    return part / whole if whole else 0.0


def defined(split, level=None):
    """Return precision, recall and F1 of the nodes of a level, or of all."""
    both = decided_nodes = gold_nodes = 0
    for gold, decided in closed_sets(split):
        if level is not None:
            gold, decided = (
                {
                    node
                    for node in nodes
                    if len(ancestors(node, split.labels.space.parents)) == level
                }
                for nodes in (gold, decided)
            )
        both += len(gold & decided)
        decided_nodes += len(decided)
        gold_nodes += len(gold)
    return (
        share(both, decided_nodes),
        share(both, gold_nodes),
        share(2 * both, decided_nodes + gold_nodes),
    )


@on_every_split()
def test_precision_recall_and_f1_are_computed_over_sets_of_nodes(split):
    values = tuple(
        value(getattr(hierarchy, f"hierarchical_{name}")(split))
        for name in ("precision", "recall", "f1")
    )
    assert values == pytest.approx(defined(split), abs=1e-12)
    precision, recall, f1 = values
    assert f1 == pytest.approx(share(2 * precision * recall, precision + recall), abs=1e-12)


@on_every_split()
def test_every_level_has_the_f1_of_its_nodes(split):
    names = split.labels.space.columns
    deepest = max(len(ancestors(name, split.labels.space.parents)) for name in names)
    assert hierarchy.levels(split.labels) == deepest
    for level in range(1, deepest + 1):
        expected = defined(split, level)[2]
        assert value(hierarchy.level_f1(split, level)) == pytest.approx(expected, abs=1e-12)
        assert metric(f"level_{level}_f1")(split).value() == pytest.approx(expected)
    assert hierarchy.level_f1(split, deepest + 1) is None
    assert hierarchy.level_f1(split, 0) is None
    assert metric(f"level_{deepest + 1}_f1")(split) is None


TREE = labels_of(("A01B", "A01C", "A02A"), (), {"A01B": "A01", "A01C": "A01", "A02A": "A02",
                                                 "A01": "A", "A02": "A"})  # fmt: skip


def test_a_wrong_label_gets_credit_for_the_ancestors_that_it_shares():
    split = scored("single-label", np.eye(3)[[0, 0]], np.eye(3)[[1, 2]], labels=TREE)
    # of {A, A01, A01B}: A and A01 are right with A01C, A alone with A02A
    assert hierarchy.hierarchical_f1(split).value() == pytest.approx(3 / 6)
    assert [hierarchy.level_f1(split, n).value() for n in (1, 2, 3)] == [1.0, 0.5, 0.0]


def test_a_node_counts_once_however_many_labels_are_below_it():
    split = scored("multi-label", [[1, 1, 0]], [[1, -1, -1]], labels=TREE)
    assert hierarchy.hierarchical_precision(split).value() == 1.0
    assert hierarchy.hierarchical_recall(split).value() == 3 / 4


def test_the_ancestors_of_an_unseen_label_can_be_predicted():
    labels = labels_of(TREE.space.names[:1], TREE.space.names[1:], TREE.space.parents)
    split = scored("single-label", np.eye(3)[[1]], [[0.0]], labels=labels)
    assert hierarchy.hierarchical_recall(split).value() == 2 / 3


def test_a_label_that_is_the_parent_of_another_is_both_a_label_and_a_node():
    labels = labels_of(("A", "A01"), (), {"A01": "A"})
    split = scored("multi-label", [[0, 1], [1, 0]], [[1, -1], [1, 1]], labels=labels)
    assert hierarchy.hierarchical_precision(split).value() == 2 / 3
    assert hierarchy.hierarchical_recall(split).value() == 2 / 3


@pytest.mark.parametrize("parents", [{}, {"another": "node"}])
def test_without_a_hierarchy_its_metrics_have_no_value(parents):
    labels = labels_of(("a", "b"), (), parents)
    split = scored("single-label", np.eye(2), np.eye(2), labels=labels)
    assert hierarchy.hierarchical_f1(split) is None
    assert hierarchy.levels(labels) == 0
    values = evaluated(
        "single-label", dict.fromkeys(("validation", "test"), split.predictions), labels
    )
    assert not [name for name in values["test"] if name.startswith("level_")]


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"b": "c", "c": "d",
                                                                        "d": "c"}])  # fmt: skip
def test_parents_that_run_in_a_circle_are_refused(parents):
    labels = labels_of(("a", "b"), (), parents)
    part = predictions(np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match="run in a circle"):
        evaluated("single-label", {"validation": part, "test": part}, labels)


def test_the_common_root_which_would_always_be_right_does_not_count():
    split = random_split("single-label", 30)
    total = sum(len(gold) for gold, _ in closed_sets(split))
    assert hierarchy.hierarchical_recall(split).per_document.sum(axis=1)[2] == total
