"""A backbone that needs no file: a random Llama with a word-level vocabulary."""

import hashlib

from benchbench import LoadedModel, Skip


class TinyRandomLlama:
    name = "tiny-random-llama"
    kind = "causal-lm"
    family = "llama"
    description = "A random Llama of 32 dimensions; for tests"
    parameters = ()

    def identity(self, params, *, offline):
        return hashlib.sha256(b"tiny random llama, first edition").hexdigest()

    def load(self, params, *, device, dtype):
        if device != "cpu":
            raise Skip("tiny-random-llama lives on the CPU alone")
        import torch
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        from benchbench_stranger.dataset import WORDS

        words = ["<s>", "</s>", "<unk>", "today", "the", "is"]
        words += sorted({word for text in WORDS.values() for word in text.split()})
        vocabulary = {word: number for number, word in enumerate(words)}
        backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
        )
        config = LlamaConfig(
            vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=256,
        )  # fmt: skip
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = LlamaForCausalLM(config).eval()
        parameters = sum(parameter.numel() for parameter in model.parameters())
        facts = {
            "pad_token_id": 2, "pad_source": "unk", "total_parameters": parameters,
            "hidden_size": 32, "context": 256, "device": device, "dtype": dtype,
            "four_bit_modules": 0, "int8_modules": 0,
        }  # fmt: skip
        return LoadedModel(model, tokenizer, facts)
