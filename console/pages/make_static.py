"""Makes what the pages bring along from others: libraries, a font and icons, each of one version.

    python -m console.pages.make_static           everything, from the packages of npm
    python -m console.pages.make_static icons     only the icons that the pages use by now

Pages load nothing from elsewhere: what they need is copied into `static/` once, by this, and
`static/vendored.json` says where each file is from, under which licence, and its SHA-256;
`static/licences.txt` has the licences' words.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

__all__ = ["Vendored", "icons_named", "main"]

_PAGES = Path(__file__).parent
_STATIC = _PAGES / "static"
_MANIFEST = _STATIC / "vendored.json"
_LICENCES = _STATIC / "licences.txt"
_SPRITE = "icons.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendored:
    """One file of somebody else's, as `vendored.json` has it."""

    file: str
    package: str
    version: str
    licence: str
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Package:
    """A package of npm, where its makers keep it, and which of its files become which of ours."""

    name: str
    version: str
    licence: str
    source: str
    files: tuple[tuple[str, str], ...]


_LUCIDE = _Package(
    "lucide-static", "1.62.0", "ISC AND MIT", "https://github.com/lucide-icons/lucide", ()
)
_PACKAGES = (
    _Package(
        "htmx.org",
        "4.0.1",
        "0BSD",
        "https://github.com/bigskysoftware/htmx",
        (("dist/htmx.min.js", "htmx.min.js"), ("dist/ext/hx-sse.min.js", "hx-sse.min.js")),
    ),
    _Package(
        "uplot",
        "1.6.32",
        "MIT",
        "https://github.com/leeoniya/uPlot",
        (
            ("dist/uPlot.iife.min.js", "uPlot.iife.min.js"),
            ("dist/uPlot.min.css", "uPlot.min.css"),
        ),
    ),
    _Package(
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        "https://github.com/rsms/inter",
        (
            ("files/inter-latin-wght-normal.woff2", "inter-latin.woff2"),
            ("files/inter-latin-ext-wght-normal.woff2", "inter-latin-ext.woff2"),
        ),
    ),
)


def icons_named(known: frozenset[str]) -> frozenset[str]:
    """Return which of the known icons the templates and the routes name, in any string."""
    return frozenset(_strings()) & known


def main() -> None:
    """Fetch the packages, copy what pages use, and write the manifest."""
    with tempfile.TemporaryDirectory() as name:
        if sys.argv[1:] == ["icons"]:
            kept = {one["file"]: Vendored(**one) for one in json.loads(_MANIFEST.read_text())}
            lucide = _unpacked(_LUCIDE, Path(name))
        else:
            unpacked = {one: _unpacked(one, Path(name)) for one in (*_PACKAGES, _LUCIDE)}
            kept = {one.file: one for one in _copied(unpacked)}
            _write_licences(unpacked)
            lucide = unpacked[_LUCIDE]
        _write_icons(lucide / "icons")
    kept[_SPRITE] = _vendored(_LUCIDE, _SPRITE)
    listed = [asdict(kept[name]) for name in sorted(kept)]
    _MANIFEST.write_text(json.dumps(listed, indent=1) + "\n")


def _copied(unpacked: Mapping[_Package, Path]) -> Iterator[Vendored]:
    for package, folder in unpacked.items():
        for theirs, ours in package.files:
            shutil.copyfile(folder / theirs, _STATIC / ours)
            yield _vendored(package, ours)


def _write_licences(unpacked: Mapping[_Package, Path]) -> None:
    texts = (
        f"{package.name} {package.version}\n\n{(folder / 'LICENSE').read_text().strip()}\n"
        for package, folder in unpacked.items()
    )
    _LICENCES.write_text(f"\n{'-' * 72}\n\n".join(texts))


def _unpacked(package: _Package, folder: Path) -> Path:
    to = folder / package.name.replace("/", "-")
    to.mkdir()
    ordered = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    subprocess.run(ordered, cwd=to, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    with tarfile.open(next(to.glob("*.tgz"))) as packed:
        packed.extractall(to, filter="data")
    return to / "package"


def _vendored(package: _Package, file: str) -> Vendored:
    return Vendored(
        file=file,
        package=package.name,
        version=package.version,
        licence=package.licence,
        source=package.source,
        sha256=sha256((_STATIC / file).read_bytes()).hexdigest(),
    )


def _write_icons(folder: Path) -> None:
    names = icons_named(frozenset(path.stem for path in folder.glob("*.svg")))
    symbols = "\n".join(
        _symbol(name, (folder / f"{name}.svg").read_text()) for name in sorted(names)
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'
    (_STATIC / _SPRITE).write_text(svg)


def _symbol(name: str, svg: str) -> str:
    # Strokes and ends are the style sheet's: they reach into what a page uses.
    drawn = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert drawn
    inner = re.sub(r"\s*\n\s*", "", drawn[1])
    return f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>'


def _strings() -> Iterator[str]:
    """Yield every string that a template's expressions or a page's Python hold."""
    for path in (_PAGES / "templates").rglob("*.html"):
        for expression in re.findall(r"\{[{%].*?[}%]\}", path.read_text(), re.DOTALL):
            yield from re.findall(r"[\"']([a-z0-9-]+)[\"']", expression)
    for path in _PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


if __name__ == "__main__":
    main()
