"""The core of the encoder needs no data frames."""

import subprocess
import sys


def test_the_encoder_imports_without_polars():
    code = "import sys; sys.modules['polars'] = None; import python_ml.embedding.encoder"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
