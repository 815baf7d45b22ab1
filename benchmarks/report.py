"""docs/benchmarks.md, generated from benchmarks/results.json; `--check` says whether it is current."""

import sys
from pathlib import Path

from benchmarks.results import load

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Generated from `benchmarks/results.json` by `make bench`; do not edit. Times depend on the machine, so compare
figures of one table with each other, not with those of another machine.
"""


def render(entries: list[dict]) -> str:
    return "\n".join([HEAD, *(_section(entry) for entry in entries)])


def _section(entry: dict) -> str:
    versions = ", ".join(f"{package} {number}" for package, number in entry["versions"].items())
    metrics = list(dict.fromkeys(figure["metric"] for figure in entry["figures"]))
    cases = list(dict.fromkeys(figure["case"] for figure in entry["figures"]))
    cells = {(figure["case"], figure["metric"]): _cell(figure) for figure in entry["figures"]}
    lines = [
        f"## {entry['name']}\n",
        f"{entry['about']}\n",
        f"`{entry['command']}` on {entry['date']}: {entry['machine']}; {versions}.\n",
        f"| | {' | '.join(metrics)} |",
        f"| --- |{' ---: |' * len(metrics)}",
        *(
            f"| {case} | {' | '.join(cells.get((case, metric), '') for metric in metrics)} |"
            for case in cases
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(figure: dict) -> str:
    value = _number(figure["value"])
    if figure["lower"] is None:
        return value
    return f"{value} ({_number(figure['lower'])} to {_number(figure['upper'])})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.4f}"


def main(arguments: list[str]) -> int:
    page = render(load())
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        print(
            "docs/benchmarks.md is not what benchmarks/results.json says: run `python -m benchmarks.report`"
        )
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
