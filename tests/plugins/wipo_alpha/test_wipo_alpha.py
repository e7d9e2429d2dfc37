"""The dataset `wipo-alpha`: levels, labels, views, halves, and every fault of a file."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import fields

import pytest
from benchbench_wipo_alpha import benchbench_baselines, codes, extraction
from benchbench_wipo_alpha.collection_files import find_collection
from benchbench_wipo_alpha.view import View
from benchbench_wipo_alpha.wipo_dataset import WipoAlpha
from benchbench_wipo_alpha.wipo_options import WipoAlphaOptions

from benchbench import Dataset, LoaderError, Reference
from benchbench.contract.corpus import SPLITS
from benchbench.evidence.freeze import comparable
from benchbench.kit.data.corpus_checks import check_corpus
from benchbench.kit.typed_parameters import read_parameters
from benchbench.planning.preparation import prepare
from tests.support.building import catalog_of
from tests.support.patents import MAINS, document, files, place, settled, write_folder

SPOILT = place("train", 1, MAINS[1])
TEXTS = '<tis><ti xml:lang="EN">a title</ti></tis><abs><ab xml:lang="EN">an abstract</ab></abs>'


@pytest.fixture
def load(tmp_path):
    """Load a collection of files with some parameters; check it as the core would."""

    def load(contents, **params):
        root = write_folder(tmp_path / "wipo", contents)
        corpus = WipoAlpha().load(settled(root, **params), tmp_path / "out")
        check_corpus(corpus)
        return corpus

    return load


def rows(corpus):
    return {row["id"]: row for split in SPLITS for row in getattr(corpus, split)}


def names(corpus, row):
    space = (*corpus.labels.names, *corpus.labels.unseen)
    return [space[index] for index in row["labels"]]


def test_every_declared_parameter_has_a_typed_field(tmp_path):
    declared = {parameter.name for parameter in WipoAlpha.parameters}
    assert {field.name for field in fields(WipoAlphaOptions)} == {*declared, "split_seed"}
    options = read_parameters(WipoAlphaOptions, settled(tmp_path, minimum_count="3", labels="main"))
    assert (options.minimum_count, options.single_label) == (3, True)


def test_it_is_a_dataset_and_its_halves_are_those_of_the_tree(load):
    assert isinstance(WipoAlpha(), Dataset)
    corpus = load(files(), labels="main")
    assert corpus.kind == "single-label"
    assert {row["id"] for row in corpus.test} == {f"WO{n}" for n in range(0, 24, 3)}
    assert len(corpus.train) + len(corpus.validation) == 16
    assert corpus.report.seen == corpus.report.loaded == 24
    assert rows(corpus)["WO5"]["group"] == "AN5"
    assert rows(corpus)["WO5"]["text"] == "title 5\nabstract of number 5"


@pytest.mark.parametrize(
    ("level", "label"),
    [("section", "A"), ("class", "A01"), ("subclass", "A01B"), ("main-group", "A01B001")],
)
def test_codes_are_cut_to_the_level_and_the_ancestors_are_kept(load, level, label):
    corpus = load(files(), level=level)
    assert names(corpus, rows(corpus)["WO4"]) == [label]
    above = [label]
    while above[-1] in corpus.labels.parents:
        above.append(corpus.labels.parents[above[-1]])
    assert above == [label[:width] for width in (7, 4, 3, 1) if width <= len(label)]


def test_secondary_codes_are_cut_once_each_and_the_main_one_is_kept(load):
    contents = files()
    contents[SPOILT] = document(1, MAINS[1], others=("A01C00904", "B65D00100", " h04l00100 "))
    corpus = load(contents)
    assert corpus.kind == "multi-label"
    row = rows(corpus)["WO1"]
    assert set(names(corpus, row)) == {"A01C", "B65D", "H04L"}
    assert corpus.labels.names[row["main"]] == "A01C"


def test_a_code_that_is_main_nowhere_in_training_is_a_label_only_under_the_rule_all(load):
    contents = files()
    contents[SPOILT] = document(1, MAINS[1], others=("G06F00100",))
    corpus = load(contents)
    assert "G06F" not in corpus.labels.names
    assert corpus.report.facts["codes_left_out"] == 1
    assert "G06F" in load(contents, label_rule="all").labels.names


def test_a_main_code_that_training_lacks_is_kept_as_missed_or_refused(load):
    contents = files()
    contents[place("test", 90, "C07D00100")] = document(90, "C07D00100")
    corpus = load(contents)
    assert corpus.labels.unseen == ("C07D",)
    assert names(corpus, rows(corpus)["WO90"]) == ["C07D"]
    with pytest.raises(LoaderError, match="1 labels occur outside training only: 'C07D'"):
        load(contents, unseen_labels="error")


def test_the_minimum_count_leaves_documents_out_and_counts_them(load):
    contents = files()
    for number, half in ((90, "train"), (91, "test")):
        contents[place(half, number, "C07D00100")] = document(number, "C07D00100")
    corpus = load(contents, minimum_count=2)
    assert "C07D" not in (*corpus.labels.names, *corpus.labels.unseen)
    assert not {"WO90", "WO91"} & set(rows(corpus))
    assert corpus.report.seen == 26 == corpus.report.loaded + 2
    assert all("no code of 2 training documents" in line for line in corpus.report.skipped)


def test_an_application_in_both_halves_leaves_training(load):
    contents = files()
    contents[SPOILT] = document(1, MAINS[1], an="AN0")
    corpus = load(contents)
    assert "WO1" not in rows(corpus)
    assert "AN0 is also in test" in corpus.report.skipped[0]
    assert "1 training documents were left out" in corpus.report.warnings[0]


def test_the_validation_part_is_seeded_and_never_of_test(tmp_path):
    root = write_folder(tmp_path / "wipo", files(60))
    chosen = []
    for seed in (0, 0, 1):
        params = {**settled(root), "split_seed": seed}
        corpus = WipoAlpha().load(params, tmp_path / "out")
        chosen.append(corpus.validation["id"][:])
        assert not set(chosen[-1]) & set(corpus.test["id"])
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize(
    ("view", "text"),
    [
        ("title", "title 5"),
        ("abstract,title", "abstract of number 5\ntitle 5"),
        ("title,abstract:2,description", "title 5\nabstract of\ndescription of number 5"),
        ("claims:3", "claims of number"),
        ("applicants,inventors", "Works Ltd\nA. Smith"),
        ("classic-300", "title 5\nA. Smith\nWorks Ltd\nabstract of number 5\n"
         "description of number 5"),
        ("classic-5", "title 5\nA. Smith\nWorks"),
    ],
)  # fmt: skip
def test_a_view_is_an_ordered_choice_of_parts_with_word_limits(load, view, text):
    assert rows(load(files(), view=view))["WO5"]["text"] == text


@pytest.mark.parametrize("view", ["", "titel", "title,title", "title:0", "classic", "title:x"])
def test_a_wrong_view_is_refused_with_the_choice(view):
    with pytest.raises(LoaderError, match=f"view '{view}'"):
        View.parse(view)


def test_another_language_is_used_where_asked_and_is_counted(load):
    contents = files()
    contents[SPOILT] = document(
        1, MAINS[1], body='<tis><ti xml:lang="FR">un titre</ti><ti xml:lang="DE">ein</ti></tis>'
        '<abs><ab xml:lang="FR">un abrégé</ab><ab xml:lang="en">an abstract</ab></abs>',
    )  # fmt: skip
    corpus = load(contents)
    assert rows(corpus)["WO1"]["text"] == "un titre\nan abstract"
    assert corpus.report.facts["other_language"] == 1
    corpus = load(contents, language_fallback="none")
    assert rows(corpus)["WO1"]["text"] == "an abstract"
    assert corpus.report.facts["without_title"] == 1
    assert rows(load(contents, language="fr"))["WO1"]["text"] == "un titre\nun abrégé"


REPAIRED = [
    ("self-closed elements are empty", '<tis><ti xml:lang="EN"/></tis><abs><ab xml:lang="EN">x'
     "</ab></abs>", "x", "without_title"),
    ("missing parts are counted", "<abs><ab>x</ab></abs>", "x", "without_title"),
    ("white space is one space", '<tis><ti xml:lang="EN">a\n  b\tc </ti></tis>', "a b c",
     "without_abstract"),
    ("marks inside a text are no end of it", '<tis><ti xml:lang="EN">H<sub>2</sub>O</ti></tis>',
     "H2O", "without_abstract"),
    ("an unclosed abstract", '<tis><ti xml:lang="EN">t</ti></tis><abs><ab xml:lang="EN">x</abs>'
     '<cls><cl xml:lang="EN">y</cl></cls>', "t\nx", "repaired"),
    ("an unclosed text before another", '<tis><ti xml:lang="EN">t<ti xml:lang="FR">u</ti></tis>'
     '<abs><ab xml:lang="EN">x</ab></abs>', "t\nx", "repaired"),
    ("an unclosed last text", TEXTS + '<txts><txt xml:lang="EN">y</txts>',
     "a title\nan abstract", "repaired"),
    ("Windows characters in ISO-8859-1", '<tis><ti xml:lang="EN">\x93big\x94 \x85</ti></tis>',
     "“big” …", "windows_characters"),
    ("comments, sections and references", "<tis><ti>a<!-- <b> --><![CDATA[ <c> ]]>&amp;&#65;"
     "</ti></tis>", "a <c> &A", "without_abstract"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "text", "fact"), [m[1:] for m in REPAIRED], ids=[m[0] for m in REPAIRED]
)
def test_what_can_be_repaired_is_repaired_and_counted(load, body, text, fact):
    corpus = load({**files(), SPOILT: document(1, MAINS[1], body=body)})
    assert rows(corpus)["WO1"]["text"] == text
    assert corpus.report.facts[fact] == 1
    assert len(corpus.report.repaired) == (fact == "repaired")
    assert corpus.report.loaded == 24


def entities(*names):
    head = '<?xml version="1.0"?><!DOCTYPE record ['
    return head + "".join(f"<!ENTITY {name}>" for name in names) + "]>\n"


LAUGHS = entities('a "ha"', *(f'a{n} "{"&a;" * 10}"' for n in range(9)))
GOOD = document(1, MAINS[1])
BAD = {
    "billion laughs": (document(1, MAINS[1], head=LAUGHS), "declares the entity 'a'"),
    "quadratic": (document(1, MAINS[1], head=entities(f'b "{"x" * 5000}"'),
                           body=TEXTS + "&b;" * 150), "declares the entity 'b'"),
    "external entity": (document(1, MAINS[1], head=entities('f SYSTEM "file:///etc/passwd"'),
                                 body="&f;"), "declares the entity 'f'"),
    "parameter entity": (document(1, MAINS[1], head=entities('% p SYSTEM "http://localhost/x"')),
                         "declares the entity 'p'"),
    "entity nobody declared": (document(1, MAINS[1], body="<tis><ti>caf&eacute;</ti></tis>"),
                               "1.xml:5: not well-formed XML (undefined entity)"),
    "not UTF-8": (document(1, MAINS[1], head="", body="<tis><ti>caf\xe9</ti></tis>"),
                  "the byte 0xe9 is not UTF-8, which the file should be; set its enco"),
    "truncated": (GOOD[:300], "it is cut short"),
    "empty file": ("", "it is cut short"),
    "control character": (document(1, MAINS[1], body="<tis><ti>\x08</ti></tis>"), "1.xml:5:"),
    "NUL": (document(1, MAINS[1], body="<tis><ti>\0</ti></tis>"), "1.xml:5:"),
    "junk": ("no XML at all", "1.xml:1:"),
    "tags crossed beyond repair": (document(1, MAINS[1], body="</tis><tis>"), "not well-formed"),
    "no ipcs": ("<record pn='WO1'><tis><ti>t</ti></tis></record>", "names no main code"),
    "no mc": (GOOD.replace("mc=", "xx="), "names no main code"),
    "no code": (GOOD.replace(MAINS[1], "Z99Z00100"), "'Z99Z00100' is not an IPC code"),
    "short group": (GOOD.replace(MAINS[1], "A01C1"), "'A01C1' is not an IPC code"),
    "no secondary code": (document(1, MAINS[1], others=("nonsense",)), "'nonsense' is not an IPC"),
    "another folder's code": (document(1, MAINS[2]), "folders, found B65D00506 in A01C001"),
    "no text": (document(1, MAINS[1], body=""), "no text in title, abstract"),
    "blank text": (document(1, MAINS[1], body="<tis><ti> \n </ti></tis>"), "no text in title"),
    "number of another": (document(2, MAINS[1]), "its number WO2 is also that of train/A/01/C"),
    "unknown encoding": (GOOD.replace("iso-8859-1", "klingon"), 
                         "its encoding cannot be read (unknown encoding: klingon)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_in_one_line_or_skipped_with_its_reason(load, name):
    content, reason = BAD[name]
    spoilt = place("train", 1, MAINS[1])
    contents = {**files(), spoilt: content}
    if name == "number of another":  # both in one folder, so that only the number is wrong
        contents[place("train", 0, MAINS[1])] = document(2, MAINS[1])
        del contents[place("train", 2, MAINS[2])]
    with pytest.raises(LoaderError) as caught:
        load(contents)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("correct the file, or set on_bad_document=skip")
    corpus = load(contents, on_bad_document="skip", max_skipped=0.1)
    assert corpus.report.seen == corpus.report.loaded + 1 == len(contents)
    assert len(corpus.report.skipped) == 1
    assert reason in corpus.report.skipped[0]


def test_too_many_bad_documents_are_refused(load):
    contents = {**files(), SPOILT: "junk"}
    with pytest.raises(LoaderError, match=r"1 of 24 documents are bad, more than max_skipped"):
        load(contents, on_bad_document="skip")


@pytest.mark.parametrize("where", ["main", "secondary"])
@pytest.mark.parametrize(
    "newer", ["A01C0001020000", "Y02E0010000000", "A01C0001/02000", "A01C   1/02   "]
)
def test_codes_of_fourteen_characters_are_recognised_and_refused(load, tmp_path, where, newer):
    code, others = (newer, ()) if where == "main" else (MAINS[1], (newer,))
    contents = {**files(), SPOILT: document(1, code, others=others)}
    with pytest.raises(LoaderError, match=f"'{newer}' has 14 characters") as caught:
        load(contents, on_bad_document="skip")
    assert "do not mix" in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_external_dtd_is_allowed_and_never_fetched(load):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        calls = []

        def listen():
            try:
                calls.append(server.accept())
            except TimeoutError:
                return

        thread = threading.Thread(target=listen)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/patents.dtd"
        head = f'<?xml version="1.0" encoding="iso-8859-1"?>\n<!DOCTYPE record SYSTEM "{url}">\n'
        body = "<tis><ti>caf&eacute; &unknown;</ti></tis>"
        good = document(1, MAINS[1], head=head, body=body.replace(" &unknown;", ""))
        corpus = load({**files(), SPOILT: good})
        with pytest.raises(LoaderError, match="'&unknown;' is defined in a DTD"):
            load({**files(), SPOILT: document(1, MAINS[1], head=head, body=body)})
        thread.join()
    assert not calls
    assert rows(corpus)["WO1"]["text"] == "café"
    assert corpus.report.facts["named_characters"] == 1


def test_a_fallback_encoding_is_opt_in_and_counted(load):
    contents = {
        **files(),
        SPOILT: document(1, MAINS[1], head="", body="<tis><ti>caf\xe9</ti></tis>"),
    }
    corpus = load(contents, xml_fallback_encoding="cp1252")
    assert rows(corpus)["WO1"]["text"] == "café"
    assert corpus.report.facts["fallback_encoding"] == 1
    with pytest.raises(LoaderError, match="not in klingon either"):
        load(contents, xml_fallback_encoding="klingon")


def test_utf_8_and_utf_16_are_read_as_declared(load):
    head = '<?xml version="1.0" encoding="{}"?>'
    body = '<tis><ti xml:lang="EN">Δ “x”</ti></tis>'
    contents = files()
    for number, encoding in ((1, "utf-8"), (5, "utf-16")):
        text = document(number, MAINS[1], body=body, head=head.format(encoding))
        contents[place("train", number, MAINS[1])] = text.encode(encoding)
    documents = rows(load(contents))
    assert documents["WO1"]["text"] == documents["WO5"]["text"] == "Δ “x”"


def test_a_document_of_too_much_text_or_too_many_bytes_is_refused(load, monkeypatch):
    contents = {**files(), SPOILT: document(1, MAINS[1], body=f"<tis><ti>{'x' * 9000}</ti></tis>")}
    monkeypatch.setattr("benchbench_wipo_alpha.xml.TEXT_CHARACTERS", 8000)
    with pytest.raises(LoaderError, match="9000 characters of text, more than 8000"):
        load(contents)
    monkeypatch.setattr("benchbench_wipo_alpha.xml.FILE_BYTES", 5000)
    with pytest.raises(LoaderError, match="bytes, more than 5000 allowed"):
        load(contents)


def test_files_outside_the_halves_are_reported_and_other_files_ignored(load):
    contents = {**files(), "notes/old.xml": document(7), "train/A/readme.txt": "hello"}
    corpus = load(contents)
    assert corpus.report.seen == 24
    assert "1 XML files are in neither train nor test" in corpus.report.warnings[0]


def test_what_is_called_xml_and_cannot_be_read_is_a_bad_document(load, tmp_path):
    write_folder(tmp_path / "wipo", files())
    os.mkfifo(tmp_path / "wipo" / "train" / "pipe.xml")
    (tmp_path / "wipo" / "train" / "gone.xml").symlink_to("nowhere.xml")
    report = load(files(), on_bad_document="skip", max_skipped=0.1).report
    assert (report.seen, report.loaded, len(report.skipped)) == (26, 24, 2)
    assert any("gone.xml" in line and "No such file" in line for line in report.skipped)


@pytest.mark.parametrize("link", ["train", "train/A"])
def test_a_folder_that_is_a_link_is_refused_and_not_passed_over(load, tmp_path, link):
    write_folder(tmp_path / "wipo", files())
    (tmp_path / "wipo" / link).rename(tmp_path / "elsewhere")
    (tmp_path / "wipo" / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LoaderError, match="is a link to a folder, which is not followed"):
        load({})


@pytest.mark.parametrize("byte", ["\x81", "\x8d", "\x8f", "\x90", "\x9d"])
def test_a_control_character_that_means_nothing_is_a_bad_document(load, byte):
    body = f'<tis><ti xml:lang="EN">title {byte}</ti></tis>'
    contents = {**files(), SPOILT: document(1, MAINS[1], body=body)}
    with pytest.raises(LoaderError, match="is not text; correct the file"):
        load(contents, view="title")


@pytest.mark.parametrize("half", ["train", "test"])
def test_a_missing_half_is_reported(load, half):
    contents = {name: text for name, text in files().items() if not name.startswith(half)}
    with pytest.raises(LoaderError, match=f"no XML document under a folder named {half}"):
        load(contents)


@pytest.mark.parametrize("name", ["missing", "notes.txt"])
def test_a_wrong_path_is_reported(tmp_path, name):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(LoaderError, match="give the folder that holds train and test"):
        find_collection(str(tmp_path / name))


def test_more_processes_give_the_same_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "PARALLEL_FROM", 10)
    monkeypatch.setattr(extraction, "CHUNK", 7)
    contents = {**files(80), SPOILT: "junk"}
    root = write_folder(tmp_path / "wipo", contents)
    corpora = []
    for processes in (1, 2):
        params = settled(root, processes=processes, on_bad_document="skip", max_skipped=0.1)
        corpora.append(WipoAlpha().load(params, tmp_path / str(processes)))
    for split in SPLITS:
        assert getattr(corpora[0], split).to_list() == getattr(corpora[1], split).to_list()
    assert corpora[0].report == corpora[1].report


def test_the_cache_is_used_until_a_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    root = write_folder(tmp_path / "wipo", files())
    from benchbench.catalog.lookup import load_catalog

    catalog = load_catalog()
    reference = Reference("wipo-alpha", "patents", {"path": str(root)})
    first = prepare(reference, catalog)
    assert prepare(reference, catalog).folder == first.folder
    (root / SPOILT).write_text(document(1, MAINS[1], body=TEXTS))
    again = prepare(reference, catalog)
    assert again.folder != first.folder
    assert again.fingerprint != first.fingerprint


def test_parents_reach_up_to_the_section():
    assert codes.parents({"A01B001"}) == {"A01B001": "A01B", "A01B": "A01", "A01": "A"}
    assert codes.parents({"H"}) == {}


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"labels": "main"}, 4),
        ({}, 0),
        ({"labels": "main", "level": "class"}, 0),
        ({"labels": "main", "minimum_count": 5}, 0),
        ({"labels": "main", "view": "claims"}, 4),
    ],
)
def test_published_scores_are_shown_for_the_same_task_only(params, shown):
    baselines = list(benchbench_baselines())
    catalog = catalog_of(datasets=[WipoAlpha()], baselines=baselines)
    reference = Reference("wipo-alpha", "patents", {"path": "x", **params})
    shown_scores = comparable(catalog, reference)
    assert len(shown_scores) == shown
    assert all(0.4 < baseline.value < 0.6 and baseline.citation for baseline in shown_scores)
