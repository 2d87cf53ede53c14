"""The house keeps its own rules: floors, rooms, names, sizes, and nothing of anybody's machine."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("vault", "pod_sync", "projections", "trainer", "console")
MOST_LINES = 600
SKIPPED = {"__pycache__", "build", "dist", "out"}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def tree() -> Iterator[Path]:
    """Every file of the checkout that is ours: nothing hidden, built or installed."""
    for top in sorted(ROOT.iterdir()):
        if top.name.startswith(".") and top.name not in {".ci", ".gitignore"}:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            parts = path.relative_to(ROOT).parts
            if not path.is_file() or SKIPPED.intersection(parts):
                continue
            if not any(part.endswith(".egg-info") for part in parts):
                yield path


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_rooms_import_each_other_only_downwards():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_the_rooms_are_those_that_are_shipped_and_checked():
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(said["tool"]["importlinter"]["root_packages"]) == set(PACKAGES)
    assert set(said["tool"]["mypy"]["packages"]) == set(PACKAGES)
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_every_module_says_what_it_is_and_names_what_it_offers(path):
    module = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(module), "no docstring"
    public = [
        node.name
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    offers = any(
        isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == "__all__" for to in node.targets)
        for node in module.body
    )
    assert offers or not public, f"no __all__, and yet {public}"
    if offers:
        loaded = import_module(dotted(path))
        missing = [name for name in loaded.__all__ if not hasattr(loaded, name)]
        assert not missing
        assert len(loaded.__all__) == len(set(loaded.__all__))


def test_no_file_is_too_long_to_be_read():
    code = [path for path in tree() if path.suffix in {".py", ".md", ".toml"}]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in code
        if path.relative_to(ROOT).parts[:2] != ("console", "sample")
        and (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long


# Written apart, so that this file does not name what it looks for.
NOWHERE = {
    "the folder of one machine": r"(?<![\w.])/" + r"work(?![\w-])",
    "somebody's home": r"(?<![\w.])/" + r"(?:home|Users)/\w|(?<![\w.])/" + r"root(?![\w-])",
    "a package registry": r"(?i)https?://[^\s/]*(?:"
    + "|".join(("py" + r"pi\.", "python" + "hosted", "py" + r"torch\.org", "npm" + r"js\.",
                "conda", "crates" + r"\.io", "proxy\\." + "golang", "nexus", "artifactory"))
    + r"|index[^\s/]*/simple)",
    "an index to install from": r"--(?:extra-)?" + r"index-url|--find" + "-links",
}  # fmt: skip


@pytest.mark.parametrize("what", NOWHERE)
def test_nothing_in_the_tree_names(what):
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tree()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1)
        if re.search(NOWHERE[what], line)
    ]
    assert not found


def test_the_version_is_the_same_wherever_it_is_told():
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert metadata.version("twinvault") == said
    assert f"## [{said}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    told = subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert told.stdout.strip() == said
