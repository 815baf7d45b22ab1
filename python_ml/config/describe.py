"""Settings: how cohorts are described in words."""

from dataclasses import dataclass

from python_ml.config.checks import check_range
from python_ml.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeConfig:
    """How cohorts are described in words.

    Args:
        model: folder of an instruction-tuned causal language model (safetensors) that puts the facts into its
            own words; None for none. Nothing is ever downloaded.
        max_new_tokens: longest text it may write, in tokens; what is cut there is refused.
        max_characters: a longer text is refused.
        behaviour_count: features told beside orders and spend, those furthest from the mean first.
        group_count: departments and categories told.
        attribute_count: places, channels and other attributes of users told.
        min_sd: a feature is told if the cohort's mean is this many standard deviations off the mean.
        min_lift: a department, category or attribute is told if it is this many times as frequent as usual.
        min_share: and if it is at least this share of the cohort's spend, or of its users.
    """

    model: str | None = None
    max_new_tokens: int = 200
    max_characters: int = 800
    behaviour_count: int = 3
    group_count: int = 3
    attribute_count: int = 2
    min_sd: float = 0.3
    min_lift: float = 1.2
    min_share: float = 0.01

    def __post_init__(self) -> None:
        if self.model is not None and not self.model.strip():
            raise SettingError(
                "model is empty",
                where="settings, [describe]",
                remedy="name a folder, or leave it out for none",
            )
        check_range("describe", self, ("max_new_tokens", "max_characters"), 1, 100_000)
        check_range("describe", self, ("behaviour_count", "group_count", "attribute_count"), 0, 100)
        check_range("describe", self, ("min_sd",), 0.0, 100.0)
        check_range("describe", self, ("min_lift",), 1.0, 1e6)
        check_range("describe", self, ("min_share",), 0.0, 1.0)
