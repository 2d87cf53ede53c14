"""The documents say everything there is, and nothing that is not."""

import ast
import re
import runpy
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from console import problems
from console.cli import twin
from vault import errors
from vault.codec import TOPICS
from vault.upcasts import EARLIER

ROOT = Path(__file__).parents[1]
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")
PROMISES = (ROOT / "specs" / "README.md").read_text("utf-8")
PACKAGES = ("vault", "pod_sync", "projections", "trainer", "console")


def commands(group: click.Group, path: str = "twin") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with what is typed to reach it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


ALL = dict(commands(twin))
PROSE = "\n".join(line for line in COMMANDS.splitlines() if not line.startswith("|"))


def row_of(path: str) -> str:
    """The row of the table that begins with a command."""
    rows = re.findall(
        rf"^\| `({re.escape(path)}[^|\w-](?:[^|\\]|\\\|)*\|.*)\|$", COMMANDS, re.MULTILINE
    )
    assert len(rows) == 1, f"{path} has {len(rows)} rows in docs/commands.md"
    return str(rows[0])


@pytest.mark.parametrize("path", ALL)
def test_every_command_and_every_option_is_documented(path):
    row = row_of(path)
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option):
            named = [name for name in parameter.opts if name.startswith("--")]
            assert any(re.search(rf"{name}\b", row + PROSE) for name in named), named
        else:
            assert re.search(r"[A-Z]{2}", row), f"the arguments of {path}"


def test_global_options_are_documented():
    for parameter in twin.params:
        assert any(re.search(rf"`[a-z ]*{name}\b", PROSE) for name in parameter.opts)


def test_every_documented_command_and_option_exists():
    typed = re.findall(r"^\| `(twin (?:[a-z]+(?:-[a-z]+)* ?)+)", COMMANDS, re.MULTILINE)
    assert sorted(name.strip() for name in typed) == sorted(ALL)
    real = {opt for one in (*ALL.values(), twin) for param in one.params for opt in param.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", COMMANDS)) <= real


def test_every_command_says_in_one_line_what_it_does():
    for path, command in ALL.items():
        assert command.get_short_help_str(limit=200).endswith((".", "certificate")), path


def test_the_page_of_sources_is_what_the_sources_say():
    page = ROOT / "docs" / "sources.md"
    wanted = runpy.run_path(str(ROOT / "specs" / "make_sources.py"))["text"]()
    assert page.read_text("utf-8") == wanted, "run specs/make_sources.py"


def exits() -> Iterator[int]:
    """Every exit status that the command line gives by name."""
    for path in (ROOT / "console").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "sys.exit"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, int)
            ):
                yield node.args[0].value


def test_every_exit_code_is_documented():
    table = dict(re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]*)\|$", COMMANDS, re.MULTILINE))
    assert {str(status) for status in exits()} <= set(table)
    for _, status, code in problems._KINDS:
        assert f"`{code}`" in table[str(status)]
    for error, status in ((OSError(28, "full"), "1"), (ValueError(), "1")):
        assert f"`{problems.problem_of(error).code}`" in table[status]
    listed = set(re.findall(r"\| (\d+) \|", (problems.__doc__ or "") + COMMANDS))
    assert listed == set(table)


def test_every_topic_is_specified_with_its_schema():
    text = (ROOT / "specs" / "event-format.md").read_text("utf-8")
    named = set(re.findall(r"^\| `([a-z.]+/\d+)` \|", text, re.MULTILINE))
    assert named == {*TOPICS, *EARLIER, "checkpoint/1"}


NAMED = sorted(set(re.findall(r"`((?:tests|specs)/[\w/.-]+(?:::\w+)*)`", PROMISES)))


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_a_promise_names_exists(name):
    path, *inside = name.split("::")
    assert (ROOT / path).is_file()
    body: list[ast.stmt] = ast.parse((ROOT / path).read_text("utf-8")).body if inside else []
    for part in inside:
        node = next((one for one in body if getattr(one, "name", "") == part), None)
        assert isinstance(node, ast.FunctionDef | ast.ClassDef), f"{path} has no {part}"
        body = node.body


NUMBERED = {
    "Laws": 9,
    "Parts": 9,
    "The vault": 7,
    "Redaction": 7,
    "Views": 6,
    "Learn and forget": 10,
    "Collectors": 9,
    "The pod": 9,
    "The console": 10,
}
NAMED_ROWS = {
    "Figures of the vault": 8,
    "Bad input": 4,
}


@pytest.mark.parametrize("heading", [*NUMBERED, *NAMED_ROWS])
def test_every_promise_has_tests(heading):
    section = PROMISES.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    table = section.partition("| --- |")[2].partition("\n")[2]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)
    assert len(rows) == len(table.split("\n| ")) == (NUMBERED | NAMED_ROWS)[heading]
    if heading in NUMBERED:
        assert [number for number, _ in rows] == [str(n) for n in range(1, len(rows) + 1)]
    assert all("::test_" in tests for _, tests in rows)


def test_every_specification_is_in_the_index_and_runs(pytestconfig):
    assert "specs" in pytestconfig.getini("testpaths")
    for path in (ROOT / "specs").glob("*.md"):
        if path.name != "README.md":
            assert f"]({path.name})" in PROMISES
            assert "\n```python\n>>> " in path.read_text("utf-8"), path.name


def test_every_error_is_raised_somewhere():
    for module in ("trainer.errors", "projections.errors"):
        import_module(module)
    made = {
        ast.unparse(node.func if isinstance(node, ast.Call) else node.exc).rpartition(".")[2]
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) or (isinstance(node, ast.Raise) and node.exc)
    }

    def alive(kind: type[BaseException]) -> bool:
        return kind.__name__ in made or any(alive(below) for below in kind.__subclasses__())

    assert [name for name in errors.__all__ if not alive(getattr(errors, name))] == []


def test_every_error_is_drawn_in_the_tree():
    drawn = re.findall(r"(?:──|^    )\s?([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(errors.__all__)


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "docs/commands.md", "specs/README.md"]
)
def test_links_lead_to_files_that_exist(name):
    text = (ROOT / name).read_text("utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in link:
            assert (ROOT / name).parent.joinpath(link).exists(), link


def test_every_picture_is_shown_told_in_words_and_small():
    text = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(r'(?:src|srcset)="([^"]+)"', text)
    files = sorted((ROOT / "docs" / "pictures").iterdir())
    assert sorted(ROOT / one for one in shown) == files
    assert all(one.stat().st_size < 150_000 for one in files)
    pictures = re.findall(r"<img[^>]*>", text)
    assert all(re.search(r'alt="[^"]{20,}"', one) for one in pictures)
    assert len(pictures) == len(files) / 2, "one in light and one in dark"
