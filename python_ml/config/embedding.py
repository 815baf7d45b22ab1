"""Settings: which encoder, and how texts become vectors."""

from dataclasses import dataclass, replace

from python_ml.config.checks import check_names, check_range
from python_ml.errors import SettingError

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingConfig:
    """How texts become vectors. Prefixes, pooling and length belong to the model: see docs/encoders.md.

    Args:
        model: a bundled name ("all-MiniLM-L6-v2"), a Hugging Face id, or a local folder.
        revision: commit, tag or branch of a Hugging Face id; None is its default branch.
        adapter: folder of a LoRA or AdaLoRA adapter of this model, as `peft` saves it, worked into its
            weights; None is the model as it came.
        passage_prefix: put before every text that is kept, such as "query: " or "passage: " for E5.
        query_prefix: put before every text that is looked for among them.
        pooling: "mean" of the tokens' vectors, or "cls", the vector of the start mark.
        normalise: whether vectors are scaled to length 1.
        max_tokens: longest text, or window, in tokens (or the model's own limit, if shorter).
        long_texts: longer texts are read in overlapping "windows" whose vectors are averaged, or "cut".
        window_overlap: tokens that two windows of one text share.
        tokens_per_batch: texts x longest text of a batch stays under this. None is what suits the device.
        texts_per_chunk: texts read, embedded and written at once; bounds memory, and what a kill can lose.
        precision: "auto" is bfloat16 where the device computes it natively, else float32.
        download: whether a Hugging Face id that is not in the local cache may be downloaded.
    """

    model: str = "all-MiniLM-L6-v2"
    revision: str | None = None
    adapter: str | None = None
    passage_prefix: str = ""
    query_prefix: str = ""
    pooling: str = "mean"
    normalise: bool = True
    max_tokens: int = 256
    long_texts: str = "windows"
    window_overlap: int = 32
    tokens_per_batch: int | None = None
    texts_per_chunk: int = 16_384
    precision: str = "auto"
    download: bool = True

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise SettingError(
                "model is empty",
                where="settings, [embedding]",
                remedy='name a model, such as "all-MiniLM-L6-v2"',
            )
        check_names("embedding", self, "precision", (self.precision,), PRECISIONS)
        check_names("embedding", self, "pooling", (self.pooling,), ("mean", "cls"))
        check_names("embedding", self, "long_texts", (self.long_texts,), ("windows", "cut"))
        # Two tokens are the model's own start and end marks; a window must go on beyond what it shares.
        check_range("embedding", self, ("max_tokens",), 3, 1e6)
        check_range("embedding", self, ("window_overlap",), 0, self.max_tokens - 3)
        check_range("embedding", self, ("texts_per_chunk",), 1, 1e9)
        if self.tokens_per_batch is not None:
            check_range("embedding", self, ("tokens_per_batch",), 1, 1e9)

    def in_float32(self) -> "EmbeddingConfig":
        """The same model at full precision: what training needs."""
        return replace(self, precision="float32")
