"""The encoder against a plain loop over the same texts with the same model, in turn."""

import statistics
import time
from functools import partial

import numpy as np
import torch

from benchmarks.results import Figure, record
from dagster_defs.settings import load_settings
from dagster_defs.warehouse import Warehouse
from python_ml.config import EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.pooling import mean_pool

TEXTS, ROUNDS, PLAIN_BATCH = 1000, 3, 32
ABOUT = (
    f"{TEXTS} product texts of the grocer in random order (seed 0), all-MiniLM-L6-v2, one process, {ROUNDS}"
    " rounds in turn, median; in brackets the smallest and largest round. The plain loop takes the texts as"
    " they come, 32 at a time, padded to the longest, in float32. Run `make run` first. Cosine is between"
    " the two."
)


def main() -> None:
    texts = Warehouse(path=load_settings().paths.warehouse).read("features", "item_texts", columns=["text"])
    sample = texts.unique().sort("text").sample(TEXTS, shuffle=True, seed=0)["text"].to_list()
    device = resolve_device("auto")
    ours = Encoder.load(EmbeddingConfig(), device)
    plain = Encoder.load(EmbeddingConfig(precision="float32"), device)
    encoders = {"Shoal's encoder": ours.encode, "plain loop": partial(plain_loop, plain)}
    seconds: dict[str, list[float]] = {case: [] for case in encoders}
    vectors = {}
    for _ in range(ROUNDS):
        for case, encode in encoders.items():
            started = time.perf_counter()
            vectors[case] = encode(sample)
            seconds[case].append(time.perf_counter() - started)
    cosine = float(np.mean(np.sum(vectors["Shoal's encoder"] * vectors["plain loop"], axis=1)))
    figures = [_rate(case, times) for case, times in seconds.items()]
    ratio = statistics.median(seconds["plain loop"]) / statistics.median(seconds["Shoal's encoder"])
    figures += [
        Figure(metric="times the plain loop", case="Shoal's encoder", value=ratio),
        Figure(metric="mean cosine to float32", case="Shoal's encoder", value=cosine),
    ]
    record("embedding", ABOUT, figures)


def _rate(case: str, times: list[float]) -> Figure:
    rates = sorted(TEXTS / seconds for seconds in times)
    return Figure(
        metric="texts per second", case=case, value=statistics.median(rates), lower=rates[0], upper=rates[-1]
    )


@torch.inference_mode()
def plain_loop(encoder: Encoder, texts: list[str]) -> np.ndarray:
    """What one writes first: batches in the order of the texts."""
    vectors = []
    for start in range(0, len(texts), PLAIN_BATCH):
        batch = encoder.tokenizer(texts[start : start + PLAIN_BATCH], padding=True, return_tensors="pt")
        hidden = encoder.model(**batch.to(encoder.device)).last_hidden_state
        pooled = mean_pool(hidden, batch["attention_mask"])
        vectors.append(torch.nn.functional.normalize(pooled, dim=1).cpu())
    return torch.cat(vectors).numpy()
