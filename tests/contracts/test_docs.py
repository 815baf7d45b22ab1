"""Documentation under test: every table and column described, every command of the README real."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_defs.shop_contract import shop_contract
from dagster_defs.source_skeleton import PLACEHOLDER
from tests.shops import copy_of


@pytest.mark.slow
def test_no_undescribed_column(built_shop, tmp_path: Path):
    """What `dbt docs generate` finds in the warehouse, against what the YAML describes."""
    shop = copy_of(built_shop, tmp_path / "var")
    shop.dbt("docs", "generate")
    target = shop.target
    catalog = json.loads((target / "catalog.json").read_text())
    manifest = json.loads((target / "manifest.json").read_text())
    described = manifest["nodes"] | manifest["sources"]
    silent = []
    for unique_id, relation in (catalog["nodes"] | catalog["sources"]).items():
        node = described[unique_id]
        if not node["description"].strip():
            silent.append(unique_id)
        columns = {name.lower(): column["description"] for name, column in node["columns"].items()}
        silent += [
            f"{unique_id}.{name}" for name in relation["columns"] if not columns.get(name.lower(), "").strip()
        ]
    assert len(catalog["nodes"]) > 20
    assert silent == []


def test_every_macro_is_described(manifest: dict):
    ours = [macro for macro in manifest["macros"].values() if macro["package_name"] == "shoal"]
    public = [
        macro for macro in ours if not re.match(r"(default|duckdb|postgres|spark|test)__?", macro["name"])
    ]
    assert [macro["name"] for macro in public if not macro["description"].strip()] == []


def test_no_description_is_a_placeholder(project_root: Path):
    """`make new-source` leaves "Not described yet" behind; what a column holds is for a person to say."""
    drafts = [file for file in (project_root / "models").rglob("*.yml") if PLACEHOLDER in file.read_text()]
    assert [str(file.relative_to(project_root)) for file in drafts] == []


def test_the_guide_tells_of_every_table_of_the_shop_contract(project_root: Path):
    guide = (project_root / "docs" / "bring-your-own-shop.md").read_text()
    for table in shop_contract().values():
        assert re.search(rf"^\| `{table.name}` \|.*\| {re.escape(table.without)} \|$", guide, re.M), (
            table.name
        )


def test_model_descriptions_say_the_grain(manifest: dict):
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert [model["name"] for model in models if not model["description"].startswith("One row")] == []


def test_readme_names_only_real_make_targets(project_root: Path):
    targets = set(re.findall(r"^([a-z-]+):", (project_root / "Makefile").read_text(), re.M))
    for document in [
        project_root / "README.md",
        project_root / "CONTRIBUTING.md",
        *(project_root / "docs").rglob("*.md"),
    ]:
        named = set(re.findall(r"`make ([a-z-]+)", document.read_text())) | set(
            re.findall(r"^make ([a-z-]+)", document.read_text(), re.M)
        )
        assert named <= targets, document.name


def test_links_lead_somewhere(project_root: Path):
    for document in [*project_root.glob("*.md"), *(project_root / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            if not link.startswith(("http://", "https://", "mailto:")):
                assert (document.parent / link).exists(), f"{document.name} links to {link}"


def test_bare_make_prints_every_target(project_root: Path):
    printed = subprocess.run(
        ["make", "--no-print-directory"], cwd=project_root, capture_output=True, text=True, check=True
    ).stdout
    targets = ["setup", "run", "simulate", "new-source", "check-source"]
    targets += ["test", "dev", "bench", "lint", "docs", "clean"]
    for target in targets:
        assert re.search(rf"^{target}\s+\w", printed, re.M), target


def test_generated_benchmarks_page_is_current(project_root: Path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "--check"],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
