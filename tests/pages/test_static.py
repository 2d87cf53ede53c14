"""What the pages bring along: known, unchanged, small, and enough."""

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from console.pages import make_static, rendering

_PAGES = Path(rendering.__file__).parent
_STATIC = _PAGES / "static"
_VENDORED = json.loads((_STATIC / "vendored.json").read_text())
_DRAWN = set(re.findall(r'<symbol id="([^"]+)"', (_STATIC / "icons.svg").read_text()))


@pytest.mark.parametrize("one", _VENDORED, ids=[one["file"] for one in _VENDORED])
def test_what_others_wrote_is_as_it_was_published(one):
    assert sha256((_STATIC / one["file"]).read_bytes()).hexdigest() == one["sha256"]
    assert one["licence"] in {"0BSD", "MIT", "OFL-1.1", "ISC AND MIT"}
    assert f"{one['package']} {one['version']}" in (_STATIC / "licences.txt").read_text()


def test_everything_that_others_wrote_is_listed():
    theirs = {
        path.name for path in _STATIC.rglob("*") if re.search(r"\.min\.|woff|icons", path.name)
    }
    assert {one["file"] for one in _VENDORED} == theirs


def test_the_notice_names_everything_that_others_wrote():
    notice = (_PAGES.parents[1] / "NOTICE").read_text()
    for one in _VENDORED:
        assert f"{one['package']} {one['version']}" in notice, one["package"]


def test_all_scripts_together_are_small():
    scripts = [gzip.compress(path.read_bytes()) for path in _STATIC.rglob("*.js")]
    assert sum(map(len, scripts)) <= 60_000


def test_every_icon_that_a_page_names_is_drawn():
    named = {entry.icon for entry in rendering.NAVIGATION}
    for path in (_PAGES / "templates").rglob("*.html"):
        named |= set(re.findall(r'(?:icon|empty)\("([a-z0-9-]+)"', path.read_text()))
    assert named - _DRAWN == set(), "run: python -m console.pages.make_static icons"


def test_an_icon_is_found_wherever_it_is_named():
    known = frozenset({"fingerprint", "hard-drive", "layout-dashboard", "tractor"})
    assert make_static.icons_named(known) == known - {"tractor"}


def test_nothing_in_the_pages_is_fetched_from_elsewhere():
    for path in [*_STATIC.glob("vault.css"), *(_PAGES / "templates").rglob("*.html")]:
        text = re.sub(r'<a\s[^>]*href="https?://[^"]*"', "", path.read_text())
        assert not re.search(r"(?:src|href|action|url\(|@import)\W{0,3}(?:https?:)?//", text), path
