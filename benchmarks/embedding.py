"""The encoder against sentence-transformers on the same texts with the same model, in turn."""

import gzip
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.published import published_files
from benchmarks.results import Figure, record
from python_ml.config import EmbeddingConfig
from python_ml.device import resolve_device
from python_ml.embedding.encoder import Encoder
from python_ml.embedding.locate import locate_model

TEXTS, ROUNDS, COPIES = 3000, 3, 0.3
FILE = Path("womens_clothing") / "Womens Clothing E-Commerce Reviews.csv.gz"
ABOUT = (
    f"{TEXTS:,} reviews (title and text) of Women's Clothing, drawn at random (seed 0), all-MiniLM-L6-v2, one"
    f" process, {ROUNDS} rounds in turn, median; in brackets the smallest and largest round."
    f" sentence-transformers' `encode` with its defaults. With copies, {COPIES:.0%} of the texts are copies"
    " of others. Cosine is to the same model in float32 by sentence-transformers. Needs the published file"
    " under SHOP_TEST_DATA, and `.venv/bin/pip install -c constraints.txt -e '.[bench]'`."
)
Encode = Callable[[list[str]], np.ndarray]


def main() -> None:
    texts = reviews()
    device = resolve_device("auto")
    ours = Encoder.load(EmbeddingConfig(), device)
    lengths = [len(ids) for ids in ours.tokenise(texts).windows]
    encoders = {"sentence-transformers": sentence_transformer(str(device)), "Shoal": ours.encode}
    figures = [Figure(metric="tokens a text", case=case, value=statistics.mean(lengths)) for case in encoders]
    figures += compare(encoders, texts, "")
    figures += compare(encoders, with_copies(texts), ", with copies")
    record("embedding", ABOUT, figures)


def reviews() -> list[str]:
    """The sample, in random order."""
    rows = pl.read_csv(io.BytesIO(gzip.decompress((published_files() / FILE).read_bytes()))).drop_nulls(
        "Review Text"
    )
    text = pl.concat_str([pl.col("Title").fill_null(""), pl.col("Review Text")], separator="\n")
    return rows.sample(TEXTS, shuffle=True, seed=0).select(text.str.strip_chars())["Title"].to_list()


def with_copies(texts: list[str]) -> list[str]:
    """As many texts, a share of which is replaced by copies of the others."""
    randomness = np.random.default_rng(0)
    originals = texts[: round(len(texts) * (1 - COPIES))]
    copies = randomness.choice(originals, size=len(texts) - len(originals))
    return [str(text) for text in randomness.permutation([*originals, *copies])]


def sentence_transformer(device: str) -> Encode:
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise SystemExit(
            "sentence-transformers is not installed: .venv/bin/pip install -c constraints.txt -e '.[bench]'"
        ) from error
    folder = locate_model(EmbeddingConfig().model).folder
    return SentenceTransformer(str(folder), device=device).encode


def compare(encoders: dict[str, Encode], texts: list[str], what: str) -> list[Figure]:
    """Texts per second of each, in turn; one unmeasured round first."""
    vectors = {case: encode(texts) for case, encode in encoders.items()}
    seconds: dict[str, list[float]] = {case: [] for case in encoders}
    for number in range(ROUNDS):
        for case, encode in encoders.items():
            started = time.perf_counter()
            encode(texts)
            seconds[case].append(time.perf_counter() - started)
            print(f"  round {number + 1} of {ROUNDS}{what}: {case} {seconds[case][-1]:.1f} s", flush=True)
    ratios = sorted(
        theirs / ours for theirs, ours in zip(seconds["sentence-transformers"], seconds["Shoal"], strict=True)
    )
    cosines = np.sum(vectors["sentence-transformers"] * vectors["Shoal"], axis=1)
    return [
        *(_rate(case, times, len(texts), what) for case, times in seconds.items()),
        Figure(
            metric=f"times sentence-transformers{what}",
            case="Shoal",
            value=statistics.median(ratios),
            lower=ratios[0],
            upper=ratios[-1],
        ),
        Figure(metric=f"mean cosine to float32{what}", case="Shoal", value=float(cosines.mean())),
    ]


def _rate(case: str, times: list[float], texts: int, what: str) -> Figure:
    rates = sorted(texts / seconds for seconds in times)
    return Figure(
        metric=f"texts per second{what}",
        case=case,
        value=statistics.median(rates),
        lower=rates[0],
        upper=rates[-1],
    )
