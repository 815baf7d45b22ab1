"""Adapters on a tiny model: they learn what they are taught, leave the rest frozen, and must prove better."""

import json
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from transformers import BertConfig, BertModel

from python_ml.config import EmbeddingConfig, FineTuningConfig
from python_ml.embedding.encoder import Encoder
from python_ml.errors import ModelError, SettingError
from python_ml.finetuning import build, train
from python_ml.finetuning.adapters import adapter_arrays, add_adapter, count_trainable, orthogonality
from python_ml.finetuning.judge import fit_probe, judge_ratings, reciprocal_ranks
from python_ml.finetuning.objectives import TEMPERATURE, rating_loss, session_loss
from python_ml.finetuning.train import _rate, _rows, train_on_ratings
from python_ml.finetuning.verdict import Verdict

QUICK = FineTuningConfig(rank=2, alpha=4, epochs=3, batch_texts=8, learning_rate=0.02, resamples=50)
START = (np.zeros(16, dtype=np.float32), np.zeros(1, dtype=np.float32))  # a head that knows nothing
GOOD, BAD = ["lovely", "great", "perfect"], ["broken", "awful", "useless"]


def reviews(words: list[str], count: int) -> list[str]:
    return [
        f"this {noun}{number} is {words[number % 3]}" for number in range(count) for noun in ("cup", "hat")
    ]


@pytest.fixture
def tiny(exact_encoder: Encoder) -> Encoder:
    torch.manual_seed(0)
    vocabulary = len(exact_encoder.tokenizer)
    model = BertModel(
        BertConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
    )
    return exact_encoder.with_model(model.eval())


def test_rating_loss_by_hand():
    # Odds of 1 and of 3: -log(1/2) and -log(1 - 3/4), their mean.
    logits = torch.log(torch.tensor([1.0, 3.0]))
    expected = -(np.log(0.5) + np.log(0.25)) / 2
    assert rating_loss(logits, torch.tensor([1.0, 0.0])).item() == pytest.approx(expected)


def test_session_loss_by_hand():
    left = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    right = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    # Cosines 1 and 0.6 from the first, 0 and 0.8 from the second; back: 1 and 0, 0.6 and 0.8.
    forth = [np.log1p(np.exp((0.6 - 1.0) / TEMPERATURE)), np.log1p(np.exp((0.0 - 0.8) / TEMPERATURE))]
    back = [np.log1p(np.exp((0.0 - 1.0) / TEMPERATURE)), np.log1p(np.exp((0.6 - 0.8) / TEMPERATURE))]
    found = session_loss(left, right, torch.tensor([0, 1]), torch.tensor([2, 3]))
    assert found.item() == pytest.approx((np.mean(forth) + np.mean(back)) / 2, rel=1e-4)


def test_a_copy_of_the_partner_and_the_text_itself_are_no_negatives():
    vector = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    # Both pairs have one partner: nothing is left to be told apart, forth or, seen from one left text, back.
    same = session_loss(vector, vector, torch.tensor([0, 0]), torch.tensor([1, 1]))
    assert same.item() == pytest.approx(0.0, abs=1e-6)
    # The second pair's partner is the first pair's asking text.
    itself = session_loss(vector, vector, torch.tensor([0, 2]), torch.tensor([1, 0]))
    assert itself.item() < session_loss(vector, vector, torch.tensor([0, 2]), torch.tensor([1, 3])).item()


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("method", "learning_rate"), [("lora", 0.02), ("adalora", 0.1)])
def test_only_the_adapter_is_trained_and_it_learns(
    tiny: Encoder, monkeypatch: pytest.MonkeyPatch, method: str, learning_rate: float, precision: torch.dtype
):
    texts = reviews(GOOD, 12) + reviews(BAD, 12)
    labels = np.arange(len(texts)) < 24
    monkeypatch.setattr(train, "inference_dtype", lambda _: precision)
    frozen = {name: value.clone() for name, value in tiny.model.named_parameters()}
    attention = tiny.model.config._attn_implementation
    config = FineTuningConfig(
        method=method, rank=2, alpha=4, epochs=10, batch_texts=8, learning_rate=learning_rate, resamples=50
    )
    trained = train_on_ratings(tiny, texts, labels, START, config, seed=0)
    assert trained.losses[0] > 0.6
    assert trained.losses[-1] < 0.5
    for name, value in trained.model.named_parameters():
        if "lora" not in name and "ranknum" not in name:
            original = name.removeprefix("base_model.model.").replace(".base_layer", "")
            assert torch.equal(value, frozen[original]), name
    assert tiny.model.config._attn_implementation == attention
    adapted = tiny.with_model(trained.model.merge_and_unload()).encode(texts)
    direction = adapted[labels].mean(axis=0) - adapted[~labels].mean(axis=0)
    assert roc_auc_score(labels, adapted @ direction) > 0.95


def test_the_number_of_trained_values_by_hand(tiny: Encoder):
    adapted = add_adapter(
        tiny.model, FineTuningConfig(rank=2, alpha=4, target_modules=("query",)), 10, seed=0
    )
    # Two layers, for each a matrix 2 x 16 and one 16 x 2.
    assert count_trainable(adapted) == 2 * (2 * 16 + 16 * 2)


@pytest.mark.parametrize(("top_layers", "adapted_layers"), [(1, {1}), (2, {0, 1}), (9, {0, 1})])
def test_only_the_top_layers_get_an_adapter(tiny: Encoder, top_layers: int, adapted_layers: set[int]):
    config = FineTuningConfig(rank=2, alpha=4, top_layers=top_layers)
    adapted = add_adapter(tiny.model, config, 10, seed=0)
    names = [name for name, value in adapted.named_parameters() if value.requires_grad]
    assert {int(name.split("layer.")[1].split(".")[0]) for name in names} == adapted_layers


def test_orthogonality_by_hand(tiny: Encoder):
    config = FineTuningConfig(method="adalora", rank=2, alpha=4, target_modules=("query",))
    adapted = add_adapter(tiny.model, config, 20, seed=0)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                torch.nn.init.zeros_(parameter)
    # Three zero rows are as far from orthonormal as the identity of 3 is from nothing: the square root of 3.
    assert orthogonality(adapted).item() == pytest.approx(3**0.5)


@pytest.mark.parametrize("method", ["lora", "adalora"])
def test_an_adapter_written_and_read_gives_the_same_vectors(tiny: Encoder, tmp_path, method: str):
    texts = reviews(GOOD, 4) + reviews(BAD, 4)
    tiny.model.save_pretrained(tmp_path / "base")
    trained = train_on_ratings(tiny, texts, np.arange(16) < 8, START, replace(QUICK, method=method), seed=0)
    arrays, settings = adapter_arrays(trained.model)
    expected = tiny.with_model(trained.model.merge_and_unload()).encode(texts)
    save_file(arrays, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    base = BertModel.from_pretrained(tmp_path / "base")
    read = PeftModel.from_pretrained(base, tmp_path).merge_and_unload().eval()
    np.testing.assert_allclose(tiny.with_model(read).encode(texts), expected, atol=1e-5)


def test_a_verdict_says_what_was_measured():
    better = Verdict(metric="roc_auc", frozen=0.9, adapted=0.95, gain_lower=0.01, gain_upper=0.08, rows=1200)
    assert better.is_better
    assert better.sentence() == (
        "the adapter is used: roc_auc 0.9000 frozen, 0.9500 adapted,"
        " gain +0.0100 to +0.0800 on 1,200 held-out rows"
    )
    by_chance = Verdict(metric="mrr", frozen=0.9, adapted=0.95, gain_lower=-0.01, gain_upper=0.08, rows=12)
    assert not by_chance.is_better
    assert "is refused" in by_chance.sentence()


def test_scores_are_compared_on_the_same_resamples():
    truth = np.arange(200) % 2 == 0
    scores = np.where(truth, 1.0, 0.0) + np.random.default_rng(0).normal(0, 1, 200)
    same = judge_ratings(scores, scores, truth, resamples=100, seed=0)
    assert (same.gain_lower, same.gain_upper) == (0.0, 0.0)
    assert not same.is_better
    sure = judge_ratings(scores, truth.astype(float), truth, resamples=100, seed=0)
    assert sure.adapted == 1.0
    assert sure.is_better


def test_the_probe_is_a_line_on_vectors_as_they_are():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, 3)) * [1.0, 5.0, 0.1] + [3.0, 0.0, 1.0]
    truth = vectors[:, 1] > 0
    weight, bias = fit_probe(vectors, truth)
    scaled = StandardScaler().fit_transform(vectors)
    expected = LogisticRegression(C=0.1).fit(scaled, truth).decision_function(scaled)
    np.testing.assert_allclose(vectors @ weight + bias[0], expected, atol=1e-3)


def test_training_starts_from_the_head_it_is_given(tiny: Encoder):
    """With steps too small to matter, the head that comes out is the head that went in."""
    texts = reviews(GOOD, 4) + reviews(BAD, 4)
    head = (np.arange(16, dtype=np.float32), np.array([0.5], dtype=np.float32))
    config = replace(QUICK, learning_rate=1e-9)
    trained = train_on_ratings(tiny, texts, np.arange(16) < 8, head, config, seed=0)
    np.testing.assert_allclose(trained.head.weight.detach().numpy()[0], head[0], atol=1e-5)
    assert trained.head.bias.item() == pytest.approx(0.5, abs=1e-5)


def test_reciprocal_ranks_by_hand():
    vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]])
    # From row 0: row 1 (0.8), row 3 (0.6), row 2 (0). Row 3 is second, row 1 first.
    found = reciprocal_ranks(vectors, np.array([0, 0]), np.array([3, 1]))
    assert found.tolist() == [1 / 2, 1.0]


def test_every_example_once_a_pass_in_batches_of_like_length():
    lengths = np.random.default_rng(0).integers(1, 100, 50)
    batches = list(_rows(lengths, FineTuningConfig(batch_texts=8, epochs=2), np.random.default_rng(0)))
    assert sorted(np.concatenate(batches).tolist()) == sorted([*range(50)] * 2)
    assert np.mean([np.ptp(lengths[batch]) for batch in batches]) < 20


def test_the_rate_rises_and_falls():
    rates = [_rate(step, 20) for step in range(20)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[-1] == pytest.approx(1 / 18)
    assert max(rates) == 1.0


def test_a_text_that_taught_cannot_judge():
    both = ["good", "bad"]
    with pytest.raises(ModelError, match="1 texts are in training and held out"):
        build.fine_tune_on_ratings(
            (both, np.array([True, False])), (["good", "sad"], np.array([True, False])),
            EmbeddingConfig(), QUICK, device="cpu", seed=0, clock=count().__next__,
        )  # fmt: skip


def test_ratings_of_one_kind_cannot_teach():
    with pytest.raises(ModelError, match="all 2 held-out reviews are of one kind"):
        build.fine_tune_on_ratings(
            (["a", "b"], np.array([True, False])), (["c", "d"], np.array([True, True])),
            EmbeddingConfig(), QUICK, device="cpu", seed=0, clock=count().__next__,
        )  # fmt: skip


@pytest.mark.parametrize("objective", ["ratings", "sessions"])
def test_from_texts_to_a_verdict(tiny: Encoder, monkeypatch: pytest.MonkeyPatch, objective: str):
    monkeypatch.setattr(build.Encoder, "load", lambda *_: tiny)
    if objective == "ratings":
        train = (reviews(GOOD, 10) + reviews(BAD, 10), np.arange(40) < 20)
        held_out = ([f"so {text}" for text in train[0]], train[1])
        found = build.fine_tune_on_ratings(
            train, held_out, EmbeddingConfig(), QUICK, device="cpu", seed=0, clock=count().__next__
        )
    else:
        train = (reviews(GOOD, 6), reviews(BAD, 6))
        found = build.fine_tune_on_sessions(
            train, train, EmbeddingConfig(), QUICK, device="cpu", seed=0, clock=count().__next__
        )
    assert found.verdict.metric == {"ratings": "roc_auc", "sessions": "mrr"}[objective]
    assert found.verdict.rows == {"ratings": 40, "sessions": 12}[objective]
    assert len(found.losses) == QUICK.epochs
    assert found.seconds == 1  # the clock was read twice, before and after
    assert found.trainable_parameters == sum(array.size for array in found.arrays.values())


@pytest.mark.parametrize(
    "change", [{"method": "full"}, {"rank": 0}, {"target_modules": ()}, {"top_layers": 0}]
)
def test_settings_out_of_range_are_refused(change: dict):
    with pytest.raises(SettingError, match=next(iter(change))):
        FineTuningConfig(**change)
