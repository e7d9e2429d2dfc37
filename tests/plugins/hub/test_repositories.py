"""Datasets from a hub: labels, splits, commits, and what is said when they cannot be had."""

from __future__ import annotations

import datasets
import pytest
from benchbench_hub import benchbench_resolve_dataset
from datasets import ClassLabel, Features, List, Value

from benchbench import LoaderError, Skip
from tests.plugins.hub.conftest import dataset_of, settled

TOPICS = ("World", "Sports", "Business", "Sci/Tech")
README = """---
configs:
- config_name: {config}
  data_files:
{files}---
# A dataset
"""


def publish(hub, hub_id, features, rows, config="default"):
    """Write a repository as `push_to_hub` does: Parquet files and a README that names them."""
    folder = hub.root / hub_id
    files = ""
    for split, columns in rows.items():
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(columns, features=features).to_parquet(path)
        files += f"  - split: {split}\n    path: data/{split}-*\n"
    (folder / "README.md").write_text(README.format(config=config, files=files))


def news(count, start=0):
    numbers = range(start, start + count)
    return {"text": [f"news {n}" for n in numbers], "label": [n % 4 for n in numbers]}


@pytest.fixture
def ag_news(hub):
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(TOPICS))})
    publish(hub, "fancyzhx/ag_news", features, {"train": news(60), "test": news(20, 60)})
    return hub


def test_a_card_is_read_from_the_hub_with_the_names_of_its_labels(ag_news, loaded):
    corpus = loaded("ag_news", revision="main")
    assert corpus.labels.names == tuple(sorted(TOPICS))
    assert len(corpus.test) == 20 and len(corpus.train) + len(corpus.validation) == 60
    first = next(row for row in corpus.test if row["id"] == "test:1")
    assert first["text"] == "news 60" and corpus.labels.names[first["main"]] == "World"


def test_the_commit_and_the_cut_split_are_in_the_report(ag_news, loaded):
    facts = loaded("ag_news", revision="main").report.facts
    commit = ag_news.commit("fancyzhx/ag_news")
    assert facts == {f"rows_of_fancyzhx/ag_news@{commit}": 80, "validation_cut_from_training": 1}


def test_a_cached_commit_is_read_without_the_hub_and_stays(ag_news, loaded, monkeypatch):
    from huggingface_hub import constants

    before = loaded("ag_news", revision="main").report.facts
    publish(ag_news, "fancyzhx/ag_news", None, {"train": {"text": ["new"], "label": [0]}})
    ag_news.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert loaded("ag_news", revision="main").report.facts == before
    assert ag_news.asked == []


def test_another_commit_is_another_source(ag_news, tmp_path, monkeypatch):
    from huggingface_hub import constants

    dataset = dataset_of("ag_news")
    values = settled(dataset, revision="main")
    first = dataset.source(values)
    assert dataset.source(values) == first
    publish(ag_news, "fancyzhx/ag_news", None, {"train": news(8)})
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another-cache"))
    assert dataset.source(values) != first


def test_lists_of_class_labels_make_it_multi_label(hub, loaded):
    names = ["anger", "joy", "neutral"]
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=names))})
    lists = [[0], [1, 2], [2], []] * 10
    rows = {"text": [f"comment {n}" for n in range(40)], "labels": lists}
    publish(hub, "some/emotions", features, {"train": rows, "dev": rows, "test": rows})
    corpus = loaded("hub", path="some/emotions")
    assert (corpus.kind, corpus.labels.names) == ("multi-label", tuple(names))
    assert corpus.test["labels"][:4] == [[0], [1, 2], [2], []]
    assert len(corpus.validation) == 40  # "dev" is the validation split


def test_a_test_split_without_labels_is_refused_and_validation_can_take_its_place(hub, loaded):
    features = Features({"sentence": Value("string"), "label": ClassLabel(names=["no", "yes"])})

    def split(name, labels):
        return {"sentence": [f"{name} {n}" for n in range(len(labels))], "label": labels}

    splits = {"train": [0, 1] * 20, "validation": [0, 1] * 5, "test": [-1] * 10}
    rows = {name: split(name, labels) for name, labels in splits.items()}
    publish(hub, "some/glue", features, rows)
    given = {"path": "some/glue", "text": "sentence"}
    with pytest.raises(LoaderError, match=r"test: no row has a label .* set hub.test=validation"):
        loaded("hub", **given)
    assert len(loaded("hub", **given, test="validation").test) == 10
    publish(hub, "stanfordnlp/sst2", features, rows)
    assert loaded("sst2").test["text"][0] == "validation 0"  # its card knows


def test_one_split_cannot_be_two(ag_news, loaded):
    with pytest.raises(LoaderError, match="one split is used twice"):
        loaded("hub", path="fancyzhx/ag_news", validation="test")
    with pytest.raises(LoaderError, match=r"unknown split 'tset'\. Did you mean 'test'"):
        loaded("hub", path="fancyzhx/ag_news", test="tset")


ABSENT = {
    "missing": ("nobody/nothing", "main", "nobody/nothing: no such dataset on the hub"),
    "gated": ("some/gated", "main", "some/gated is gated: accept its terms at"),
    "revision": ("fancyzhx/ag_news", "v9", "fancyzhx/ag_news: no revision 'v9'"),
}


@pytest.mark.parametrize("case", ABSENT.values(), ids=ABSENT)
def test_what_the_hub_does_not_give_is_a_skip_of_one_line(ag_news, loaded, case):
    hub_id, revision, said = case
    publish(ag_news, "some/gated", None, {"train": news(8)})
    ag_news.gated.add("some/gated")
    with pytest.raises(Skip) as skip:
        loaded("hub", path=hub_id, revision=revision)
    assert said in str(skip.value) and "\n" not in str(skip.value)


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "no-hub"])
def test_without_a_network_the_skip_says_how_to_get_the_data(ag_news, loaded, monkeypatch, offline):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(Skip) as skip:
        loaded("trec")
    assert ("(offline)" if offline else "(asking the hub failed with ConnectError)") in str(
        skip.value
    )
    assert "`hf download --repo-type dataset SetFit/TREC-QC`" in str(skip.value)
    assert str(skip.value).endswith("or give --set trec.path=FOLDER")
    assert ag_news.asked == []


def test_a_repository_that_is_a_script_is_refused_with_a_remedy(hub, loaded):
    folder = hub.root / "some" / "script"
    folder.mkdir(parents=True)
    (folder / "script.py").write_text("raise SystemExit('this must not run')")
    with pytest.raises(LoaderError) as error:
        loaded("hub", path="some/script")
    assert "refs/convert/parquet" in str(error.value) and "\n" not in str(error.value)


def test_a_parquet_copy_without_a_readme_is_read_by_configuration(hub, loaded):
    for config in ("plus", "small"):
        for split in ("train", "test"):
            path = hub.root / "some" / "copy" / config / split / "0000.parquet"
            path.parent.mkdir(parents=True)
            datasets.Dataset.from_dict(news(40, 40 * (split == "test"))).to_parquet(path)
    corpus = loaded("hub", path="some/copy", config="plus")
    assert len(corpus.train) + len(corpus.validation) == 40 and len(corpus.test) == 40


def test_a_configuration_that_is_not_there_is_named_with_those_that_are(ag_news, loaded):
    with pytest.raises(LoaderError, match=r"'plus'.*'default'.*set its config"):
        loaded("hub", path="fancyzhx/ag_news", config="plus")


def test_a_hub_id_can_be_given_as_the_name():
    reference = benchbench_resolve_dataset("hub:some/news")
    assert reference is not None
    assert (reference.use, reference.name) == ("hub", "some/news")
    assert reference.params == {"path": "some/news"}
    assert benchbench_resolve_dataset("some/news") is None
