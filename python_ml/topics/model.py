"""What is kept of a run, so that the next one can go on from it."""

import json
from dataclasses import dataclass, field

import numpy as np

_FACTS = "facts"
_FITTED = "fitted."


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicModel:
    """Topics with the ids they have now.

    Args:
        method: as in TopicConfig, or "one topic".
        embedding_model: whose vectors the centres are means of; None if there were none.
        topic_ids: K ids.
        topic_names: K names.
        topic_words: for each topic, its words, most typical first.
        last_number: the highest number an id ever had, in this and all runs before.
        mean: float32 (D,), mean vector of the texts the topics were fitted on.
        centres: float32 (K, D), mean vector of each topic's texts.
        vocabulary: V words, the columns of what was fitted on words.
        fitted: what places a later text: projection, mixture or LDA, in the order of the ids.
    """

    method: str
    embedding_model: str | None
    topic_ids: list[str]
    topic_names: list[str]
    topic_words: list[list[str]]
    last_number: int
    mean: np.ndarray
    centres: np.ndarray
    vocabulary: list[str]
    fitted: dict[str, np.ndarray] = field(default_factory=dict)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, which is what safetensors holds; what is no number is JSON in bytes."""
        facts = {name: getattr(self, name) for name in _FACT_NAMES}
        text = json.dumps(facts, ensure_ascii=False).encode()
        arrays = {_FACTS: np.frombuffer(text, dtype=np.uint8), "mean": self.mean, "centres": self.centres}
        arrays |= {f"{_FITTED}{name}": values for name, values in self.fitted.items()}
        return {name: np.ascontiguousarray(values) for name, values in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "TopicModel":
        """The inverse of `arrays`."""
        facts = json.loads(arrays[_FACTS].tobytes().decode())
        fitted = {
            name.removeprefix(_FITTED): values for name, values in arrays.items() if name.startswith(_FITTED)
        }
        return cls(**facts, mean=arrays["mean"], centres=arrays["centres"], fitted=fitted)


_FACT_NAMES = (
    "method",
    "embedding_model",
    "topic_ids",
    "topic_names",
    "topic_words",
    "last_number",
    "vocabulary",
)
