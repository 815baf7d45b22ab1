"""What is said of an adapter: frozen against adapted, with the numbers. Nothing heavy is imported here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was measured on held-out rows.

    Args:
        metric: "roc_auc" or "mrr".
        frozen, adapted: the metric with the encoder as it came, and with the adapter.
        gain_lower, gain_upper: 95 % bootstrap interval of the difference, pairs of values resampled together.
        rows: held-out texts or pairs.
    """

    metric: str
    frozen: float
    adapted: float
    gain_lower: float
    gain_upper: float
    rows: int

    @property
    def is_better(self) -> bool:
        """Whether the adapter is used: better, and not by chance."""
        return self.gain_lower > 0.0

    def sentence(self) -> str:
        """The verdict in words, with the numbers."""
        verb = "is used" if self.is_better else "is refused"
        return (
            f"the adapter {verb}: {self.metric} {self.frozen:.4f} frozen, {self.adapted:.4f} adapted, gain"
            f" {self.gain_lower:+.4f} to {self.gain_upper:+.4f} on {self.rows:,} held-out rows"
        )
