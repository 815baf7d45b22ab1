"""`make bench [NAME=...]`: run one benchmark or all of them, then rewrite docs/benchmarks.md."""

import importlib
import sys
from pathlib import Path

from benchmarks import report

HELPERS = {"__init__", "features", "run", "report", "results", "published", "rectools_child", "tifu_knn"}


def main(names: list[str]) -> int:
    known = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in HELPERS)
    for name in names or known:
        if name not in known:
            print(f"unknown benchmark {name!r}: use one of {', '.join(known)}")
            return 1
        print(f"{name} ...", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return report.main([])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
