"""The record of what was measured: benchmarks/results.json, one entry a figure."""

import json
import platform
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS_FILE = Path(__file__).resolve().parent / "results.json"
VERSIONS_OF = ("torch", "transformers", "scikit-learn", "polars", "duckdb", "dbt-core", "dagster")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    Args:
        metric: what was measured, with its unit, for example "texts per second".
        case: on what, for example a model's name.
        value: the number.
        lower, upper: its interval; what kind of interval, the benchmark's `about` says.
    """

    metric: str
    case: str
    value: float
    lower: float | None = None
    upper: float | None = None


def record(name: str, about: str, figures: list[Figure]) -> None:
    """Replace this benchmark's entry by the new figures, with machine, versions, command and date."""
    entries = [entry for entry in load() if entry["name"] != name]
    entries.append(
        {
            "name": name,
            "about": about,
            "command": f"make bench NAME={name}",
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "versions": {package: version(package) for package in VERSIONS_OF},
            "figures": [asdict(figure) for figure in figures],
        }
    )
    entries.sort(key=lambda entry: entry["name"])
    RESULTS_FILE.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def load() -> list[dict]:
    return json.loads(RESULTS_FILE.read_text(encoding="utf-8")) if RESULTS_FILE.exists() else []


def machine() -> str:
    """Processor, cores, memory and device, in words."""
    import psutil
    import torch

    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    words = f"{_processor()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    return f"{words}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else f"{words}, no GPU"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()
