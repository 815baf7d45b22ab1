"""From two files to a green build with new-source and check-source, in a copy of the project."""

import os
import random
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
LEFT_OUT = shutil.ignore_patterns("var", "target", "logs", ".venv", ".git", "*.egg-info", "__pycache__")


class Project:
    """A copy of the project, the folder of a made-up shop, and what a person types."""

    def __init__(self, root: Path, files: Path) -> None:
        self.root, self.files = root, files
        self.folder = root / "models" / "staging" / "made_up"

    def python(self, module: str, *arguments: str) -> subprocess.CompletedProcess:
        return self._run([sys.executable, "-m", f"dagster_defs.{module}", *arguments])

    def new_source(self, name: str = "made_up") -> subprocess.CompletedProcess:
        where = ("--currency", "EUR", "--time-zone", "Europe/Berlin")
        return self.python("new_source", "--name", name, "--data", str(self.files), *where)

    def check(self) -> tuple[int, list[str], str]:
        """Exit code, what is to be mended, and all that was printed."""
        done = self.python("check_source", "--source", "made_up", "--data", str(self.files))
        assert not done.stderr, done.stderr
        return done.returncode, re.findall(r"^ +\d+\. (.*)$", done.stdout, re.M), done.stdout

    def dbt_build(self) -> subprocess.CompletedProcess:
        return self._run([BIN / "dbt", "build", "--profiles-dir", "profiles", "--vars", "{source: made_up}"])

    def lint(self) -> subprocess.CompletedProcess:
        config = self.root / "lint.cfg"
        config.write_text("[sqlfluff:templater:dbt:context]\nsource = made_up\n")
        return self._run(
            [BIN / "sqlfluff", "lint", "--disable-progress-bar", "--config", config, self.folder]
        )

    def view(self, table: str) -> Path:
        return self.folder / f"stg_made_up__{table}.sql"

    def change(self, file: Path, before: str, after: str) -> None:
        text = file.read_text()
        assert before in text, text
        file.write_text(text.replace(before, after))

    def _run(self, command: list) -> subprocess.CompletedProcess:
        warehouse = self.root / "var" / "warehouse.duckdb"
        warehouse.parent.mkdir(exist_ok=True)
        environment = os.environ | {
            "PYTHONPATH": str(self.root),
            "SHOAL_DATA": str(self.files),
            "SHOAL_WAREHOUSE": str(warehouse),
            # Not those of this process, which tests of the graph read.
            "SHOAL_VAR": str(self.root / "var"),
            "DBT_TARGET_PATH": str(self.root / "target"),
            "DBT_LOG_PATH": str(self.root / "logs"),
        }
        return subprocess.run(
            list(map(str, command)),
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def project(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("new_source")
    shutil.copytree(project_root, folder / "project", ignore=LEFT_OUT)
    (folder / "files").mkdir()
    write_shop(folder / "files")
    return Project(folder / "project", folder / "files")


def write_shop(folder: Path) -> None:
    """60 days of a shop with `label` for title and `stueck` for quantity, and times as in German."""
    chance = random.Random(7)
    products = [f"P{number:02},Lamp number {number},Acme" for number in range(20)]
    (folder / "products.csv").write_text("\n".join(["sku,label,brand", *products]) + "\n")
    lines = ["order_no,customer,e-mail,sku,stueck,total,sold_at"]
    for order in range(180):
        at = (datetime(2024, 1, 1, 9) + timedelta(hours=8 * order)).strftime("%d.%m.%Y %H:%M")
        for _ in range(chance.randint(1, 3)):
            who, sku = chance.randint(1, 12), chance.randint(0, 19)
            lines.append(f"{order},{who},{who}@example.org,P{sku:02},{chance.randint(1, 3)},9.50,{at}")
    (folder / "sales.csv").write_text("\n".join([*lines, lines[-1]]) + "\n")


def test_from_files_to_a_green_build(project: Project):
    """One test, because each step stands on the one before."""
    made = project.new_source()
    assert made.returncode == 0, made.stderr
    assert sorted(path.name for path in project.folder.iterdir()) == [
        "_made_up__models.yml",
        "_made_up__sources.yml",
        "stg_made_up__items.sql",
        "stg_made_up__order_lines.sql",
    ]
    assert "example.org" not in "".join(path.read_text() for path in project.folder.iterdir())
    linted = project.lint()
    assert linted.returncode == 0, linted.stdout + linted.stderr

    # As generated: exactly the two columns that no name gave away, and nothing else.
    code, to_mend, printed = project.check()
    assert (code, len(to_mend)) == (1, 2), printed
    assert to_mend[0].startswith("stg_made_up__items lacks title, which items must have")
    assert to_mend[1].startswith("stg_made_up__order_lines lacks quantity, which order_lines must have")
    assert "no reviews:" in printed
    assert printed.endswith("2 things to mend\n")

    fill_in(project)
    code, to_mend, printed = project.check()
    assert (code, to_mend) == (0, []), printed
    # 9 o'clock in Berlin in winter is 8 o'clock UTC; the last of 180 orders is 179 * 8 hours = 59 days and
    # 16 hours after the first.
    assert "order_lines.ordered_at runs from 2024-01-01 08:00:00 to 2024-03-01 00:00:00" in printed
    assert re.search(r"core would reject 1 of \d+ rows .* of order_lines as exact_duplicate", printed)
    assert "example.org" not in printed
    assert printed.endswith(f"ready: make run SOURCE=made_up DATA={project.files}\n")

    built = project.dbt_build()
    assert built.returncode == 0, built.stdout[-3000:]

    again = project.new_source()
    assert again.returncode == 1
    assert "there is a source 'made_up' already" in again.stderr

    break_it(project)
    code, to_mend, printed = project.check()
    assert code == 1
    for said in (
        "made_up is not registered in dbt_project.yml under `sources: shoal: staging:`",
        "`tables` of made_up names reviews, but there is no stg_made_up__reviews.sql",
        "products.csv has no column 'brand', which the YAML of products names; nearest: brands",
        "stg_made_up__items cannot be built",
        "stg_made_up__order_lines delivers titel, which the shop contract does not know",
        "stg_made_up__users cannot be read",
        "there is a view stg_made_up__users.sql, but `tables` of made_up does not name users",
    ):
        assert any(what.startswith(said) for what in to_mend), (said, printed)
    assert "'12'" not in printed


def fill_in(project: Project) -> None:
    """The two lines a person writes."""
    items, lines = project.view("items"), project.view("order_lines")
    items.write_text(
        re.sub(r"-- required: title: .*", "nullif(trim(label), '') as title,", items.read_text())
    )
    lines.write_text(
        re.sub(
            r"-- required: quantity: .*",
            "{{ try_to_cast('stueck', 'bigint') }} as quantity,",
            lines.read_text(),
        )
    )


def break_it(project: Project) -> None:
    """One fault of each kind, all at once."""
    settings = project.root / "dbt_project.yml"
    head, tail = settings.read_text().split("sources:\n  shoal:", 1)
    tail = re.sub(r"      made_up:\n.*\n", "", tail)
    settings.write_text(
        head.replace("[items, order_lines]", "[items, order_lines, reviews]") + "sources:\n  shoal:" + tail
    )
    project.change(project.files / "products.csv", "sku,label,brand\n", "sku,label,brands\n")
    project.change(project.view("order_lines"), "as ordered_at", "as ordered_at,\n        'x' as titel")
    project.view("users").write_text(
        "-- One row per user.\nselect cast('x' || customer as integer) as user_id\n"
        "from {{ source('made_up', 'sales') }}\n"
    )
