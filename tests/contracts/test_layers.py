"""The borders of docs/architecture.md: who may import what, and where SQL may stand."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = sorted((ROOT / "python_ml").rglob("*.py"))
THIN = sorted((ROOT / "dagster_defs").rglob("*.py"))
SQL_STATEMENT = re.compile(
    r"\b(select\s.+\sfrom|insert\s+into|create\s+(or\s+replace\s+)?table|drop\s+table|attach\s+')", re.I
)


def imports(file: Path) -> set[str]:
    """Top-level packages a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("file", PURE, ids=lambda file: str(file.relative_to(ROOT)))
def test_python_ml_is_pure(file: Path):
    forbidden = {
        "dagster",
        "dagster_dbt",
        "dagster_defs",
        "dbt",
        "duckdb",
        "ibis",
        "sqlalchemy",
        "os",
        "time",
        "dotenv",
    }
    assert not imports(file) & forbidden
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "print" not in calls


@pytest.mark.parametrize("file", THIN, ids=lambda file: str(file.relative_to(ROOT)))
def test_only_the_warehouse_module_imports_a_database(file: Path):
    if file.name != "warehouse.py":
        assert not imports(file) & {"duckdb", "ibis", "sqlalchemy"}


@pytest.mark.parametrize("file", PURE + THIN, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_sql_in_python(file: Path):
    strings = (
        node.value
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert not [text for text in strings if SQL_STATEMENT.search(text)]


def test_the_sql_pattern_finds_sql():
    assert SQL_STATEMENT.search("SELECT user_id\n FROM core.users".replace("\n", " "))
    assert SQL_STATEMENT.search("create or replace table x as")
    assert not SQL_STATEMENT.search("select one of these from the list".replace("from", "of"))


def test_no_python_model_under_models():
    assert not list((ROOT / "models").rglob("*.py"))


def test_the_cores_load_without_a_frame_library():
    """Encoding and training must run where only numpy and torch are: see which modules need polars."""
    import subprocess
    import sys

    block = (
        "import sys, importlib\n"
        "for name in ('polars', 'duckdb', 'ibis', 'dagster', 'dbt'): sys.modules[name] = None\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
    )
    cores = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in PURE
        if "polars" not in imports(file) and not imports_frames(file) and file.name != "__init__.py"
    ]
    assert {"python_ml.embedding.encoder"} <= set(cores)
    done = subprocess.run(
        [sys.executable, "-c", block, *cores], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def imports_frames(file: Path) -> bool:
    """Whether a file imports, directly or through other files of python_ml, the frame library."""
    seen, queue = set(), [file]
    while queue:
        current = queue.pop()
        if current in seen or not current.exists():
            continue
        seen.add(current)
        if "polars" in imports(current):
            return True
        for node in ast.walk(ast.parse(current.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("python_ml"):
                queue.append(ROOT / (node.module.replace(".", "/") + ".py"))
    return False
