"""Settings: how the encoder learns from the shop."""

from dataclasses import dataclass

from python_ml.config.checks import check_names, check_range
from python_ml.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuningConfig:
    """How the encoder learns from the shop.

    Args:
        objectives: what it learns from: "ratings", which helps sentiment, and "sessions", what is bought
            together, which is for item texts. None: it stays as it came, for without a GPU training takes a
            minute for every thousand texts and more.
        min_examples: with fewer rated texts, or orders of different texts, nothing is learned.
        max_examples: of more texts, or pairs of texts, a sample is learned from.
        pairs_per_session: of what was bought in one order, so many pairs are learned from at most.
        held_out_share: share of the texts or orders, the newest, that teach nothing and that it is judged on.
        retrain_growth: it learns anew when there are this many times the examples it learned from.
        method: "lora" or "adalora", which spends its rank where it helps most.
        rank: of the added matrices; with AdaLoRA the mean rank that is left at the end.
        alpha: what is added counts alpha / rank times.
        target_modules: names of the linear layers that get an adapter.
        top_layers: only the last so many layers of the model get one; below them nothing is computed
            backwards. None is all layers.
        epochs: passes over the examples.
        batch_texts: texts or pairs in a step; the more pairs, the more negatives.
        learning_rate: the highest, after a warm-up.
        resamples: bootstrap resamples behind the interval of what was gained.
    """

    objectives: tuple[str, ...] = ()
    min_examples: int = 1000
    max_examples: int = 50_000
    pairs_per_session: int = 4
    held_out_share: float = 0.2
    retrain_growth: float = 1.2
    method: str = "lora"
    rank: int = 16
    alpha: int = 32
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")
    top_layers: int | None = None
    epochs: int = 2
    batch_texts: int = 32
    learning_rate: float = 5e-4
    resamples: int = 1000

    def __post_init__(self) -> None:
        if self.objectives:
            check_names("finetuning", self, "objectives", self.objectives, ("ratings", "sessions"))
        check_range("finetuning", self, ("min_examples",), 20, 1e9)
        check_range("finetuning", self, ("max_examples",), self.min_examples, 1e9)
        check_range("finetuning", self, ("held_out_share",), 0.01, 0.9)
        check_range("finetuning", self, ("retrain_growth",), 1.01, 1e6)
        check_names("finetuning", self, "method", (self.method,), ("lora", "adalora"))
        check_range(
            "finetuning", self, ("rank", "alpha", "epochs", "batch_texts", "pairs_per_session"), 1, 1e6
        )
        check_range("finetuning", self, ("resamples",), 1, 1e6)
        if self.top_layers is not None:
            check_range("finetuning", self, ("top_layers",), 1, 1e6)
        check_range("finetuning", self, ("learning_rate",), 1e-9, 1.0)
        if not self.target_modules:
            raise SettingError(
                "target_modules is empty",
                where="settings, [finetuning]",
                remedy='name linear layers of the model, such as ["query", "value"]',
            )
