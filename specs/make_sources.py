"""Write the tables of docs/sources.md: `.venv/bin/python specs/make_sources.py`.

Each source says itself what it reads, on what evidence, and where to ask for an export.
"""  # noqa: INP001 — a folder of specifications, not a package

from pathlib import Path

from vault.collectors import registry
from vault.collectors.api import Source

_PAGE = Path(__file__).parents[1] / "docs" / "sources.md"
_BEGIN, _END = "<!-- made from the sources -->\n", "<!-- end -->\n"


def text() -> str:
    """Return the page with its tables as they ought to be."""
    before, _, rest = _PAGE.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    sources, broken = registry.load()
    assert not broken, broken
    named = {point.name for point in registry.BUILT_IN}
    ours = [source for source in sources if source.name in named]
    return f"{before}{_BEGIN}\n{_formats(ours)}\n{_exports(ours)}\n{_END}{after}"


def _formats(sources: list[Source]) -> str:
    rows = [
        f"| `{source.name}` | {form} | {evidence} |"
        for source in sources
        for form, evidence in source.about.formats
    ]
    return "\n".join(["| source | format | evidence |", "| --- | --- | --- |", *rows, ""])


def _exports(sources: list[Source]) -> str:
    rows = [
        f"| `{source.name}` | {source.about.how} | {_listed(source.about.paths)} "
        f"| {_listed(_short(source.types))} |"
        for source in sources
    ]
    head = ["| source | where to get it | looks like | data types |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _short(types: frozenset[str]) -> list[str]:
    """Write `.sent` and `.received` of one type together."""
    both = {name.removesuffix(".sent") for name in types if name.endswith(".sent")}
    alone = [name for name in types if name.rpartition(".")[0] not in both]
    return sorted([*alone, *(f"{kind}.{{sent,received}}" for kind in both)])


if __name__ == "__main__":
    _PAGE.write_text(text(), "utf-8")
