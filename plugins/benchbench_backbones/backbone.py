"""One class for every causal LM: a card of the table, a local folder, a hub id."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from benchbench import BenchbenchError, LoadedModel, Parameter, Params
from benchbench_backbones import loading
from benchbench_backbones.cards import CARDS, Card
from benchbench_backbones.sources import Folder, HubRepository

PARAMETERS = (
    Parameter(
        "quantization",
        str,
        "nf4",
        "weights of the frozen base: 4-bit NormalFloat, 8-bit, or whole",
        choices=("nf4", "int8", "none"),
    ),
    Parameter(
        "dtype",
        str,
        "auto",
        "what the model computes in; auto: bfloat16 where the GPU has it, float32 on a CPU",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    Parameter("revision", str, "main", "branch, tag or commit of a hub repository"),
)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class CausalLM:
    """A decoder-only language model, not yet in memory."""

    name: str
    family: str
    description: str
    source: Folder | HubRepository
    kind: str = "causal-lm"
    parameters: tuple[Parameter, ...] = PARAMETERS

    @classmethod
    def from_card(cls, card: Card) -> CausalLM:
        """Return the model of a card."""
        source = HubRepository(card.hub_id, card.gated)
        return cls(card.name, card.family, card.description, source)

    @classmethod
    def from_folder(cls, folder: Path) -> CausalLM:
        """Return the model of a local folder; its family is the configuration's model type."""
        path = folder.resolve()
        return cls(path.name, _family(path), f"local folder {path}", Folder(path))

    @classmethod
    def from_hub(cls, hub_id: str) -> CausalLM:
        """Return the model of a hub id; a known one keeps its family and licence."""
        name = hub_id.partition("/")[2].lower()
        for card in CARDS:
            if card.hub_id == hub_id:
                return cls(name, card.family, card.description, HubRepository(hub_id, card.gated))
        return cls(name, "unknown", f"{hub_id} on the hub", HubRepository(hub_id))

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the sha256 of a folder's files or a hub commit; raise Skip where absent."""
        return self.source.identity(str(params["revision"]), offline=offline)

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Bring the model into memory; raise Skip where it cannot be had here."""
        return loading.load(self.source, params, device=device, dtype=dtype)


def resolve(reference: str) -> CausalLM | None:
    """Return the model that `reference` stands for: an existing folder, else a hub id.

    Raises BenchbenchError where it can only be a path, and nothing lies there.
    """
    path = Path(reference).expanduser()
    if path.is_dir():
        return CausalLM.from_folder(path)
    if reference.startswith((".", "/", "~")):
        raise BenchbenchError(
            f"backbone '{reference}': no such folder; give the path of a folder with config.json "
            "and *.safetensors, a name from `benchbench ls backbones`, or a hub id ORG/NAME"
        )
    return CausalLM.from_hub(reference) if HUB_ID.fullmatch(reference) else None


def _family(folder: Path) -> str:
    """Return the model type that the folder's configuration names, or "unknown"."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"
