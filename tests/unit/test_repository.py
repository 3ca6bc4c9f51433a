"""The repository is open to others: one set of checks everywhere, a changelog, releases, and licences."""

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from datetime import date
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from tools.release import ReleaseError, prepare, released

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
LICENCES = {  # what may ship: none of them puts a condition on code that only calls it
    *("MIT", "MIT License", "BSD-3-Clause", "BSD License", "Apache-2.0", "Apache License 2.0", "PSF-2.0"),
    "MPL-2.0",  # certifi: a list of certificates, unchanged
    "LGPL-2.1-only",  # pycountry: replaceable in the bundle's folder, its code unchanged
}
SHIPPED = re.findall(r"^([a-z0-9-]+)==", (ROOT / "functions" / "requirements.txt").read_text(), re.M)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a clone: git lists no files")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_every_text_file_is_as_editorconfig_says() -> None:
    parser = configparser.ConfigParser(inline_comment_prefixes="#")
    parser.read_string("[root]\n" + (ROOT / ".editorconfig").read_text())
    assert dict(parser["*"]).items() >= {"end_of_line": "lf", "trim_trailing_whitespace": "true"}.items()
    line_length = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"]
    assert parser["*.py"]["max_line_length"] == str(line_length)
    for file in tracked():
        content = file.read_bytes()
        if file.suffix != ".png" and content:
            text = content.decode()
            assert "\r" not in text, file
            assert text.endswith("\n"), file
            assert not re.search(r"[ \t]+$", text, re.M), file


def parts_of_check() -> list[str]:
    found = re.search(r"^check: (.*) ##", MAKEFILE, re.M)
    assert found
    return found[1].split()


def test_pre_commit_runs_each_part_of_make_check() -> None:
    config = yaml_parse((ROOT / ".pre-commit-config.yaml").read_text())
    [repository] = config["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == [f"make {part}" for part in parts_of_check()]
    assert not any(hook["pass_filenames"] for hook in repository["hooks"])


def test_the_workflow_runs_ci_run_and_may_write_nothing() -> None:
    workflow = yaml_parse((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"}
    python = (ROOT / ".python-version").read_text().strip()
    assert job["container"]["image"].startswith(f"python:{python}-")


def test_each_exception_from_the_scan_has_a_reason() -> None:
    exceptions = re.findall(r"^  - (.*)$", (ROOT / ".checkov.yaml").read_text(), re.M)
    assert exceptions
    for exception in exceptions:
        assert re.fullmatch(r"CKV_AWS_\d+ +# .{20,}", exception), exception
    assert "\nmake scan " in (ROOT / ".ci" / "run").read_text()


def test_dependency_updates_name_what_ships() -> None:
    updates = yaml_parse((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    ships = {re.split(r"[<>=\[]", name)[0] for name in groups["functions"]}
    assert set(updates[0]["groups"]["ships"]["patterns"]) == ships


def licence(name: str) -> set[str]:
    """The licences that a package declares."""
    metadata = distribution(name).metadata
    declared = [metadata.get("License-Expression"), metadata.get("License")]
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier", [])
        if line.startswith("License")
    ]
    return {one for one in (*declared, *classifiers) if one}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_has_a_licence_that_lets_it_ship(name: str) -> None:
    assert licence(name) & LICENCES, f"{name}: {licence(name)}"


def test_every_allowed_licence_is_used() -> None:
    assert set.union(*(licence(name) for name in SHIPPED)) >= LICENCES


CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- x\n\n## [0.1.0] - 2026-11-22\n"


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    kinds = set(re.findall(r"^### (.*)$", text, re.M))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert headings[1].startswith(f"[{version}]")


def test_a_release_moves_the_unreleased_part() -> None:
    assert released(CHANGELOG, "0.2.0", date(2026, 12, 1)) == CHANGELOG.replace(
        "## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n"
    )
    for text in ("# Changelog\n", "## [Unreleased]\n\n## [0.1.0] - 2026-11-22\n"):
        with pytest.raises(ReleaseError):
            released(text, "0.2.0", date(2026, 12, 1))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the project that a release changes or keeps."""
    for name in ("CHANGELOG.md", "pyproject.toml", "template.yaml", "functions/clemta_intake/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tests" / "releases", tmp_path / "tests" / "releases")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_a_release_sets_the_version_and_keeps_what_it_deploys_and_writes(project: Path) -> None:
    prepare(project, "99.0.0", date(2026, 12, 1))
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"] == "99.0.0"
    assert '"99.0.0"' in (project / "functions" / "clemta_intake" / "__init__.py").read_text()
    kept = project / "tests" / "releases" / "99.0.0"
    template: Any = json.loads((kept / "template.json").read_text())
    assert "RetryQueue" in template["Resources"]
    messages = json.loads((kept / "messages.json").read_text())
    earlier = json.loads((ROOT / "tests" / "releases" / "0.1.0" / "messages.json").read_text())
    assert [one["body_base64"] for one in messages] == [one["body_base64"] for one in earlier]


@pytest.mark.parametrize("version", ["", "1", "v99.0.0", "0.1.0", "0.0.9"])
def test_a_release_is_newer_than_the_last_and_changes_nothing_otherwise(project: Path, version: str) -> None:
    with pytest.raises(ReleaseError):
        prepare(project, version, date(2026, 12, 1))
    assert (project / "CHANGELOG.md").read_text() == CHANGELOG
