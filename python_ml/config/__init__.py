"""Every knob of the Python steps, as frozen dataclasses, a file per capability.

Values come from the `[dev]` and `[full]` tables of `profiles/settings.toml`; an unknown key raises.
"""

from python_ml.config.cohorts import CohortConfig
from python_ml.config.describe import DescribeConfig
from python_ml.config.embedding import EmbeddingConfig
from python_ml.config.finetuning import FineTuningConfig
from python_ml.config.interests import InterestConfig
from python_ml.config.recommender import RecommenderConfig
from python_ml.config.sentiment import SentimentConfig
from python_ml.config.topics import TopicConfig

__all__ = [
    "CohortConfig",
    "DescribeConfig",
    "EmbeddingConfig",
    "FineTuningConfig",
    "InterestConfig",
    "RecommenderConfig",
    "SentimentConfig",
    "TopicConfig",
]
