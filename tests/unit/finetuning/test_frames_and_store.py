"""Which texts teach and which judge, the table of verdicts, and a fine-tuned encoder written and read."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from python_ml.config import EmbeddingConfig, FineTuningConfig, SentimentConfig
from python_ml.finetuning.build import FineTuned, fine_tune_on_ratings
from python_ml.finetuning.frames import NOT_ASKED, evaluation_frame, reason_to_stay, split_rated_texts
from python_ml.finetuning.store import load_lesson, load_reader, save_lesson
from python_ml.finetuning.verdict import Verdict

CONFIG = FineTuningConfig(objectives=("ratings",), min_examples=20, held_out_share=0.3)
VERDICT = Verdict(metric="roc_auc", frozen=0.8, adapted=0.9, gain_lower=0.05, gain_upper=0.15, rows=30)
FACTS = {"training_rows": 70, "trainable_parameters": 12, "training_seconds": 3.5}


def rated(opinions: list[tuple[str, float | None]]) -> pl.DataFrame:
    """Reviews (text, rating) of one day after the other."""
    return pl.DataFrame(
        {
            "text": [text for text, _ in opinions],
            "text_hash": [f"#{text}" for text, _ in opinions],
            "rating": pl.Series([rating for _, rating in opinions], dtype=pl.Float64),
            "reviewed_at": [datetime(2024, 1, 1) + timedelta(days=day) for day in range(len(opinions))],
        }
    )


def split(opinions: list[tuple[str, float | None]], config: FineTuningConfig = CONFIG) -> dict[str, tuple]:
    found = split_rated_texts(rated(opinions), config, SentimentConfig(), seed=0)
    return {row["text"]: (row["is_positive"], row["is_taught"], row["is_judge"]) for row in found.to_dicts()}


def test_the_newest_texts_judge():
    found = split([("a", 5.0), ("b", 1.0), ("c", 4.0), ("d", 2.0), ("e", 5.0), ("f", 1.0), ("g", 5.0)])
    # 30 % of seven are two.
    assert [text for text, (_, _, judges) in found.items() if judges] == ["f", "g"]
    assert [text for text, (_, taught, _) in found.items() if taught] == ["a", "b", "c", "d", "e"]
    assert [positive for positive, _, _ in found.values()] == [True, False, True, False, True, False, True]


def test_a_text_is_as_old_as_its_first_review_and_has_the_opinion_of_most():
    opinions = [
        ("a", 5.0),
        ("b", 1.0),
        ("c", 5.0),
        ("a", 1.0),
        ("a", 4.0),
        ("b", 5.0),
        ("d", 3.0),
        ("e", None),
    ]
    # Two of three praise "a"; "b" is praised and blamed alike; three stars and no stars are no opinion.
    assert split(opinions) == {"a": (True, True, False), "c": (True, False, True)}


def test_of_many_texts_a_sample_teaches_and_none_of_the_newest():
    opinions = [(f"t{number:03}", 5.0 if number % 2 else 1.0) for number in range(100)]
    config = replace(CONFIG, min_examples=20, max_examples=20)
    found = split(opinions, config)
    assert sum(taught for _, taught, _ in found.values()) == 20
    assert not any(taught and judges for _, taught, judges in found.values())
    assert [text for text, (_, _, judges) in found.items() if judges] == [f"t{n:03}" for n in range(70, 100)]


def test_reasons_to_leave_the_encoder_as_it_came():
    texts = split_rated_texts(
        rated([(f"t{n}", 5.0 - 4 * (n % 2)) for n in range(40)]), CONFIG, SentimentConfig(), seed=0
    )
    assert reason_to_stay(texts, CONFIG) is None
    assert reason_to_stay(texts, FineTuningConfig()) == NOT_ASKED
    said = reason_to_stay(texts, replace(CONFIG, min_examples=50))
    assert said == "too few: 40 texts with an opinion, 50 are needed"
    late_complaints = rated([(f"t{n:02}", 5.0 if n < 28 else 1.0) for n in range(40)])
    texts = split_rated_texts(late_complaints, CONFIG, SentimentConfig(), seed=0)
    assert reason_to_stay(texts, CONFIG) == "all texts to learn from are of one opinion"


def test_the_table_says_what_was_measured_or_why_nothing_was():
    row = evaluation_frame("ratings", CONFIG, FACTS, VERDICT).row(0, named=True)
    assert (row["frozen_value"], row["adapted_value"], row["held_out_rows"]) == (0.8, 0.9, 30)
    assert row["is_used"] is True
    assert row["training_rows"] == 70
    row = evaluation_frame("ratings", CONFIG, {"verdict": "too few"}, None).row(0, named=True)
    assert row["verdict"] == "too few"
    assert row["is_used"] is False
    assert row["frozen_value"] is None


@pytest.mark.parametrize("method", ["lora", "adalora"])
def test_what_is_read_scores_as_what_was_trained(method: str, tmp_path: Path):
    good = [f"lovely thing number {number}, I adore it" for number in range(12)]
    bad = [f"broken thing number {number}, I hate it" for number in range(12)]
    newer = ["what a lovely cup", "what a broken cup"]
    config = replace(
        CONFIG, method=method, rank=2, alpha=4, epochs=2, batch_texts=8, top_layers=2, resamples=20
    )
    embedding = EmbeddingConfig(precision="float32")
    tuned = fine_tune_on_ratings(
        (good + bad, np.arange(24) < 12), (newer, np.array([True, False])), embedding, config,
        device="cpu", seed=0, clock=count().__next__,
    )  # fmt: skip
    folder = tmp_path / "lesson"
    save_lesson(folder, tuned, pl.Series(["#a", "#b"]), date(2024, 5, 1))
    lesson = load_lesson(folder)
    assert lesson.verdict == tuned.verdict
    assert lesson.as_of_date == date(2024, 5, 1)
    assert lesson.taught.to_list() == ["#a", "#b"]
    assert lesson.facts["training_rows"] == len(good + bad)
    scores = load_reader(folder, embedding, "cpu").score(newer)
    # Chosen so that the two differ by far: the verdict is on these very scores.
    assert tuned.verdict.adapted == float(scores[0] > scores[1])
    assert scores[0] - scores[1] > 0.05


def test_a_lesson_is_whole_or_not_there(tmp_path: Path):
    folder = tmp_path / "lesson"
    assert load_lesson(folder) is None
    arrays = {"a": np.ones(1, dtype=np.float32)}
    tuned = FineTuned(
        arrays=arrays,
        settings={"r": 1},
        head={},
        verdict=VERDICT,
        training_rows=1,
        trainable_parameters=1,
        losses=[0.1],
        seconds=1.0,
    )
    save_lesson(folder, tuned, pl.Series(["#a"]), date(2024, 5, 1))
    broken = replace(tuned, settings={"r": object()})
    with pytest.raises(TypeError):
        save_lesson(folder, broken, pl.Series(["#b"]), date(2024, 6, 1))
    assert load_lesson(folder).taught.to_list() == ["#a"]
    assert json.loads((folder / "adapter_config.json").read_text()) == {"r": 1}
