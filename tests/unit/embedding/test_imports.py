"""The core of the encoder needs no data frames, and who reads stored vectors needs no encoder."""

import subprocess
import sys


def test_the_encoder_imports_without_polars():
    code = "import sys; sys.modules['polars'] = None; import python_ml.embedding.encoder"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_topics_do_not_load_torch():
    code = "import sys, python_ml.topics.build; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
