"""Frozen encoder, LoRA and AdaLoRA on ratings in English and in Chinese.

`TEXTS=20000 make bench NAME=finetuning` learns from more; `METHODS=lora` tries one.
"""

import os
import time
from dataclasses import replace

import numpy as np
from sklearn.model_selection import train_test_split

from benchmarks.published import multilingual_model, published_files
from benchmarks.results import Figure, record
from benchmarks.sentiment import Task, chinese, clothing
from python_ml.config import EmbeddingConfig, FineTuningConfig
from python_ml.device import resolve_device
from python_ml.finetuning.build import FineTuned, fine_tune_on_ratings

TEXTS, HELD_OUT, SEED = 1000, 1500, 0
# AdaLoRA starts from nothing three matrices wide and cuts ranks meanwhile: it needs larger steps.
LEARNING_RATE = {"lora": 5e-4, "adalora": 2.5e-3}


def main() -> None:
    folder, model = published_files(), multilingual_model()
    count = int(os.environ.get("TEXTS", TEXTS))
    methods = os.environ.get("METHODS", ",".join(LEARNING_RATE)).split(",")
    encoders = {
        "MiniLM": (clothing(folder), EmbeddingConfig(), 6),
        "multilingual-e5-small": (
            chinese(folder),
            EmbeddingConfig(model=model, passage_prefix="query: "),
            12,
        ),
    }
    figures = []
    for name, (task, embedding, layers) in encoders.items():
        for method in methods:
            config = FineTuningConfig(
                method=method, learning_rate=LEARNING_RATE[method], top_layers=layers // 2
            )
            tuned = measure(task, count, embedding, config)
            print(f"{task.name}: {tuned.verdict.sentence()}", flush=True)
            figures += _figures(f"{task.name}, {name}", method, tuned, is_first=method == methods[0])
    record("finetuning", _about(count, methods), figures)


def measure(task: Task, count: int, embedding: EmbeddingConfig, config: FineTuningConfig) -> FineTuned:
    """Learn from a random sample of distinct texts, and be judged on others.

    Args:
        task: texts and opinions.
        count: texts to learn from.
        embedding, config: encoder and adapter.
    """
    distinct = np.unique(np.array(task.texts, dtype=np.str_), return_index=True)[1]
    some, _ = train_test_split(
        distinct, train_size=count + HELD_OUT, random_state=SEED, stratify=task.is_positive[distinct]
    )
    taught, held_out = train_test_split(
        some, train_size=count, random_state=SEED, stratify=task.is_positive[some]
    )
    parts = [([task.texts[row] for row in rows], task.is_positive[rows]) for rows in (taught, held_out)]
    return fine_tune_on_ratings(
        *parts,
        replace(embedding, long_texts="cut"),
        config,
        device=str(resolve_device("auto")),
        seed=SEED,
        clock=time.monotonic,
    )


def _figures(case: str, method: str, tuned: FineTuned, *, is_first: bool) -> list[Figure]:
    verdict = tuned.verdict
    frozen = [Figure(metric="ROC-AUC, frozen", case=case, value=verdict.frozen)] if is_first else []
    return [
        *frozen,
        Figure(metric=f"ROC-AUC, {method}", case=case, value=verdict.adapted),
        Figure(
            metric=f"gain of ROC-AUC, {method}",
            case=case,
            value=verdict.adapted - verdict.frozen,
            lower=verdict.gain_lower,
            upper=verdict.gain_upper,
        ),
        Figure(metric=f"trained values, {method}", case=case, value=tuned.trainable_parameters),
        Figure(metric=f"seconds of training, {method}", case=case, value=tuned.seconds),
    ]


def _about(count: int, methods: list[str]) -> str:
    config = FineTuningConfig()
    return (
        f"The encoder learns from {count:,} rated reviews and is judged on {HELD_OUT:,} others (random,"
        f" distinct texts, stratified, seed {SEED}). Frozen: a logistic regression on its vectors, fitted on"
        f" the same {count:,}. {' and '.join(methods)}: rank {config.rank} on linear layers of the model's"
        f" upper half, {config.epochs} passes, batches of {config.batch_texts}; read by the head they were"
        " trained with. Long texts are cut. In brackets: 95 % bootstrap interval over held-out texts."
    )
