"""The published datasets that have a name here: one row per dataset."""

# ruff: noqa: E501 - one row per dataset

from __future__ import annotations

from dataclasses import dataclass

from benchbench import Kind
from benchbench_hub.columns import ColumnNames


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A published dataset: where it is, what its columns mean, and its terms.

    - `hub_id`, `config`, `revision`: its place on the hub. An empty hub id means that no repository
      could be confirmed that is read without code of its own.
    - `columns`: the columns of that repository, then those of other known copies.
    - `label_names`: what the numbers in the label column stand for where the files do not say.
    - `missing`: the splits that are not published, or are published without labels.
    - `test_split`: the published split that is test.
    - `licence`: as the publisher states it, who may state that it is unknown. Empty means that it
      could not be confirmed; look it up before use.
    """

    name: str
    title: str
    hub_id: str
    columns: tuple[ColumnNames, ...]
    licence: str
    citation: str
    config: str = ""
    revision: str = "main"
    kind: Kind = "single-label"
    label_names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    test_split: str = "test"
    unseen_labels: str = "error"

    @property
    def description(self) -> str:
        """Describe the dataset, its place and its terms in one line."""
        place = self.hub_id or "only by path"
        licence = f"licence {self.licence or 'unconfirmed'}"
        cut = f"; cut from train: {', '.join(self.missing)}" if self.missing else ""
        return f"{self.title}; {place}, {licence}; {self.citation}{cut}"


EMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion",
    "curiosity", "desire", "disappointment", "disapproval", "disgust", "embarrassment",
    "excitement", "fear", "gratitude", "grief", "joy", "love", "nervousness", "optimism", "pride",
    "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
DBPEDIA_CLASSES = (
    "Company", "EducationalInstitution", "Artist", "Athlete", "OfficeHolder",
    "MeanOfTransportation", "Building", "NaturalPlace", "Village", "Animal", "Plant", "Album",
    "Film", "WrittenWork",
)  # fmt: skip
TEXT_LABEL = ColumnNames(("text",), "label")
TEXT_LABEL_TEXT = ColumnNames(("text",), "label_text")

# Hub ids, configurations and columns were taken from pages of the repositories and from code that
# reads them; licences and label names from their own README files. Where a file differs, the error
# names the columns that are there. A commit was confirmed only where `revision` is one; else the
# branch main is resolved when the data are first read.
# fmt: off
CARDS = (
    # The original files have 10,003 and 3,080 rows; this copy has 9,993 and 3,076, without repeats.
    # The original states cc-by-4.0, this copy mit.
    DatasetCard("banking77", "questions to a bank, 77 intents", "mteb/banking77", (TEXT_LABEL_TEXT, ColumnNames(("text",), "category"), TEXT_LABEL), "cc-by-4.0", "Casanueva et al. 2020", missing=("validation",)),
    DatasetCard("ag_news", "news, 4 topics", "fancyzhx/ag_news", (TEXT_LABEL, TEXT_LABEL_TEXT), "unknown", "Zhang et al. 2015", revision="eb185aade064a813bc0b7f42de02595523103ca4", label_names=("World", "Sports", "Business", "Sci/Tech"), missing=("validation",)),
    # Some posts are empty once headers, footers and quotes are gone: set on_bad_row=skip.
    DatasetCard("20newsgroups", "newsgroup posts, 20 groups", "SetFit/20_newsgroups", (TEXT_LABEL_TEXT,), "", "Lang 1995", missing=("validation",)),
    # The coarse labels. CogComp/trec, the original, needs code of its own.
    DatasetCard("trec", "questions, 6 kinds of answer", "SetFit/TREC-QC", (ColumnNames(("text",), "label_coarse_text"), ColumnNames(("text",), "coarse_label")), "", "Li and Roth 2002", missing=("validation",)),
    DatasetCard("goemotions", "Reddit comments, 28 emotions, multi-label", "google-research-datasets/go_emotions", (ColumnNames(("text",), "labels"),), "apache-2.0", "Demszky et al. 2020", config="simplified", kind="multi-label", label_names=EMOTIONS),
    # ucirvine/reuters21578 needs code of its own; its configuration ModApte has these columns.
    # Documents without a topic stay, without labels; topics that occur in test alone are missed.
    DatasetCard("reuters21578", "Reuters news of 1987, topics, multi-label", "", (ColumnNames(("title", "text"), "topics"), ColumnNames(("text",), "topics")), "other", "Lewis 1997", kind="multi-label", missing=("validation",), unseen_labels="keep"),
    # 150 intents and "oos" for questions outside all of them.
    DatasetCard("clinc150", "questions to an assistant, 150 intents and out-of-scope", "clinc/clinc_oos", (ColumnNames(("text",), "intent"),), "cc-by-3.0", "Larson et al. 2019", config="plus"),
    # US grants of one week; no repository of this name could be confirmed. The abstract begins
    # with the type of application.
    DatasetCard("patents-cpc", "US patents, 8 CPC sections, multi-label", "", (ColumnNames(("publication_title_claims", "application_type_abstract"), "label", ","),), "apache-2.0", "USPTO grants", kind="multi-label"),
    DatasetCard("dbpedia14", "Wikipedia abstracts, 14 classes", "fancyzhx/dbpedia_14", (ColumnNames(("title", "content"), "label"),), "cc-by-sa-3.0", "Zhang et al. 2015", label_names=DBPEDIA_CLASSES, missing=("validation",)),
    DatasetCard("yahoo_answers", "questions with an answer, 10 topics", "community-datasets/yahoo_answers_topics", (ColumnNames(("question_title", "question_content", "best_answer"), "topic"),), "unknown", "Zhang et al. 2015", missing=("validation",)),
    # Its third split, unsupervised, has no labels and is not read.
    DatasetCard("imdb", "film reviews, 2 sentiments", "stanfordnlp/imdb", (TEXT_LABEL,), "other", "Maas et al. 2011", missing=("validation",)),
    # The labels of the published test split are secret.
    DatasetCard("sst2", "film review sentences, 2 sentiments, test is the published validation", "stanfordnlp/sst2", (ColumnNames(("sentence",), "label"), TEXT_LABEL_TEXT), "unknown", "Socher et al. 2013", label_names=("negative", "positive"), missing=("validation",), test_split="validation"),
    DatasetCard("rotten_tomatoes", "film review sentences, 2 sentiments", "cornell-movie-review-data/rotten_tomatoes", (TEXT_LABEL,), "unknown", "Pang and Lee 2005", label_names=("neg", "pos")),
    DatasetCard("emotion", "Twitter messages, 6 emotions", "dair-ai/emotion", (TEXT_LABEL, TEXT_LABEL_TEXT), "", "Saravia et al. 2018", config="split", label_names=("sadness", "joy", "love", "anger", "fear", "surprise")),
)
# fmt: on
