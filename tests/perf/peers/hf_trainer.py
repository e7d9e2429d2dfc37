"""What a user writes: Trainer, AutoModelForSequenceClassification, NF4 and LoRA from peft.

Runs in the peer's environment with its settings as JSON; the last line it prints is the result.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import bitsandbytes as bnb
import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig, TaskType, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from peak import peak_mb

settings = json.loads(sys.argv[1])
data = json.loads(Path(settings["data"]).read_text(encoding="utf-8"))
names, single = data["labels"], data["kind"] == "single-label"
set_seed(settings["seed"])
on_gpu = settings["device"] == "cuda"
dtype = torch.bfloat16 if on_gpu else torch.float32

tokenizer = AutoTokenizer.from_pretrained(settings["model"])
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForSequenceClassification.from_pretrained(
    settings["model"],
    num_labels=len(names),
    problem_type="single_label_classification" if single else "multi_label_classification",
    quantization_config=BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    ),
    dtype=dtype,
    device_map={"": settings["device"]},
)
model.config.pad_token_id = tokenizer.pad_token_id
model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
model = get_peft_model(
    model,
    LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules="all-linear",
    ),
)


def target(labels: list[int]) -> int | list[float]:
    """Return a row's label as Trainer takes it: an index, or a one for each that it has."""
    return labels[0] if single else [float(index in labels) for index in range(len(names))]


def tokenized(rows: list[dict]) -> Dataset:
    """Return the rows in the columns that Trainer takes."""
    rows = [{"text": row["text"], "label": target(row["labels"])} for row in rows]

    def encode(batch: dict) -> dict:
        return tokenizer(batch["text"], truncation=True, max_length=settings["document_tokens"])

    return Dataset.from_list(rows).map(encode, batched=True, remove_columns=["text"])


trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=settings["folder"],
        num_train_epochs=settings["epochs"],
        per_device_train_batch_size=settings["batch_size"],
        per_device_eval_batch_size=settings["eval_batch_size"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="linear",
        warmup_steps=settings["warmup"],
        seed=settings["seed"],
        use_cpu=not on_gpu,
        bf16=on_gpu,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    ),
    train_dataset=tokenized(data["train"]),
    data_collator=DataCollatorWithPadding(tokenizer),
    processing_class=tokenizer,
)
start = time.perf_counter()
trainer.train()
trained = time.perf_counter() - start
for module in model.modules():  # else bitsandbytes 0.50 fails to predict where a width is not 64n
    if isinstance(module, bnb.nn.Linear4bit):
        module.support_avx512bf16_for_cpu = False
test = tokenized(data["validation"] + data["test"])
start = time.perf_counter()
logits = trainer.predict(test).predictions
predicted = time.perf_counter() - start
print(
    json.dumps(
        {
            "train_seconds": trained,
            "predict_seconds": predicted,
            "logits": np.asarray(logits).round(4).tolist(),
            "peak_mb": peak_mb(settings["device"]),
        }
    )
)
