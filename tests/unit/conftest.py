"""The bundled model, loaded once."""

import pytest
import torch

from python_ml.config import EmbeddingConfig
from python_ml.embedding.encoder import Encoder


@pytest.fixture(scope="session")
def exact_encoder() -> Encoder:
    """The bundled MiniLM in float32 on the CPU."""
    return Encoder.load(EmbeddingConfig(precision="float32"), torch.device("cpu"))
