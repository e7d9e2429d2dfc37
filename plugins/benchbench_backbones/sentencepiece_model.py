"""A tokenizer from `tokenizer.model` alone: texts are cut exactly as SentencePiece cuts them.

Transformers converts the file, but it loses the prefix space of Llama's, its order of merges, or
its way with runs of spaces, and says nothing. Here the parts of the conversion are put right, and
the result is compared with SentencePiece itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbench import Skip

MODEL = "tokenizer.model"
BPE, BYTE, USER_DEFINED, CONTROL = 2, 6, 4, 3
"""Numbers in SentencePiece's own format: of a kind of model, and of kinds of pieces."""
PROBES = (
    "Once upon a time, there was a ä.",
    "Two  spaces,   three, and a\ttab.",
    " a space before and behind ",
    "a line\n\n and another",
    "日本 1234 x=3.5 (a)",
    "a",
)


def made_exact(tokenizer: Any, checkpoint: str) -> Any:
    """Return a tokenizer that was made from `tokenizer.model` alone with its faults put right.

    All others are returned as they are. Raises Skip where it still differs from SentencePiece.
    """
    path = Path(str(getattr(tokenizer, "vocab_file", None) or ""))
    if path.name != MODEL or (path.parent / "tokenizer.json").is_file():
        return tokenizer
    import sentencepiece

    original = sentencepiece.SentencePieceProcessor(model_file=str(path))
    _put_right(tokenizer.backend_tokenizer, path, original)
    if not (path.parent / "tokenizer_config.json").is_file() and original.bos_id() >= 0:
        tokenizer.add_bos_token = True  # as Llama, whose format this is, was trained
    for text in PROBES:
        ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        if ids != original.encode(text):
            raise Skip(
                f"{checkpoint}: {MODEL} cannot be read as SentencePiece reads it ({text!r} gets "
                "other tokens); add the tokenizer.json of the model's publisher"
            )
    return tokenizer


def _put_right(backend: Any, path: Path, original: Any) -> None:
    """Give a converted tokenizer the merges and the normaliser of its file, in place."""
    from tokenizers import Regex, models, normalizers
    from transformers.convert_slow_tokenizer import generate_merges, import_protobuf

    proto = import_protobuf().ModelProto()
    proto.ParseFromString(path.read_bytes())
    if proto.trainer_spec.model_type != BPE:
        return
    vocabulary = {piece.piece: index for index, piece in enumerate(proto.pieces)}
    scores = {piece.piece: piece.score for piece in proto.pieces}
    whole = {p.piece for p in proto.pieces if p.type in (CONTROL, USER_DEFINED, BYTE)}
    merges = generate_merges(vocabulary, scores, skip_tokens=whole)
    unknown = original.id_to_piece(original.unk_id())
    backend.model = models.BPE(
        vocabulary, merges, unk_token=unknown, fuse_unk=True,
        byte_fallback=proto.trainer_spec.byte_fallback,
    )  # fmt: skip
    spec = proto.normalizer_spec
    steps: list[Any] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps.append(normalizers.Replace(Regex(r"\A +| +\z"), ""))
        steps.append(normalizers.Replace(Regex(" {2,}"), " "))
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend("▁"))
    backend.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    backend.pre_tokenizer = None
