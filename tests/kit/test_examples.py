"""The examples in the kit's docstrings run, and say what comes out."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from benchbench import kit

MODULES = sorted(module.name for module in pkgutil.walk_packages(kit.__path__, "benchbench.kit."))
WITH_EXAMPLES = {
    "benchbench.kit.batching": {"length_bucketed_batches", "pad", "prediction_batches"},
    "benchbench.kit.cache": {"enabled", "digest_of"},
    "benchbench.kit.data.corpora": {"build_corpus"},
    "benchbench.kit.data.document": {"Document", "checked_labels"},
    "benchbench.kit.data.splits": {
        "LabelSets", "cover", "stratified_group_split", "stratified_sample",
    },
    "benchbench.kit.data.targets": {"class_index", "multi_hot"},
    "benchbench.kit.pooling": {"pooling_parameter"},
    "benchbench.kit.scoring.beginning": {"shared_beginning"},
    "benchbench.kit.scoring.radix": {"RadixTrie.build"},
    "benchbench.kit.scoring.scorer": {"plain_price"},
    "benchbench.kit.scoring.trie": {"Continuation", "TokenTrie.build"},
    "benchbench.kit.seeding": {"generator"},
    "benchbench.kit.typed_parameters": {"read_parameters"},
}  # fmt: skip
"""What an author of a plugin calls, and must find an example of."""


def examples(module):
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


def failures(test):
    """Return what the examples of one docstring print where they should not."""
    lines = []
    doctest.DocTestRunner(verbose=False).run(test, out=lines.append)
    return "".join(lines)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run_and_give_what_they_say(name):
    for test in examples(importlib.import_module(name)):
        assert failures(test) == ""


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_what_a_plugin_calls_has_an_example(name):
    shown = {test.name.removeprefix(f"{name}.") for test in examples(importlib.import_module(name))}
    assert shown >= WITH_EXAMPLES[name]


def test_a_wrong_example_is_noticed():
    parser = doctest.DocTestParser()
    assert failures(parser.get_doctest(">>> 1 + 1\n2", {}, "right", None, 0)) == ""
    assert "Expected:\n    3" in failures(parser.get_doctest(">>> 1 + 1\n3", {}, "wrong", None, 0))
