"""The recovery page: whole in itself, one sheet, and a code that other programs read."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from console.recovery_page import Beside, recovery_page
from vault.errors import TamperError
from vault.log.passphrase import (
    beside_recovery_key,
    recovery_bytes,
    recovery_text,
    sealed_beside,
)

KEYS = st.binary(min_size=25, max_size=25)
VAULT = "0123456789abcdef0123456789abcdef"
MADE = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)


def page_of(key: bytes) -> str:
    return recovery_page(recovery_text(key), VAULT, MADE)


def picture(page: str, dots: int = 4) -> np.ndarray:
    """The code as a camera would see it, drawn from the path in the page."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', page)[1])
    path = re.search(r'stroke="#000" d="([^"]+)"', page)[1]
    modules = np.full((side, side), 255, np.uint8)
    x = y = 0.0
    for order, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        values = [float(n) for n in re.findall(r"-?[\d.]+", numbers)]
        if order == "h":
            modules[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
        elif order == "M":
            x, y = values
        else:
            x, y = x + values[0], y + values[1]
    return np.kron(modules, np.ones((dots, dots), np.uint8))


class Tags(HTMLParser):
    """Every tag with its attributes, and what stands open at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@settings(max_examples=25, deadline=None)
@given(KEYS)
def test_the_code_read_by_another_program_is_exactly_the_key(key):
    [found] = zxingcpp.read_barcodes(picture(page_of(key)))
    assert found.text == recovery_text(key)
    assert recovery_bytes(found.text) == key


def test_the_code_is_read_with_a_fifth_of_it_torn_off():
    key = bytes(range(25))
    code = picture(page_of(key))
    modules = len(code) // 4
    code[4 * (modules - 19) : 4 * (modules - 5), 4 * (modules - 19) : 4 * (modules - 5)] = 255
    [found] = zxingcpp.read_barcodes(code)
    assert recovery_bytes(found.text) == key


@given(KEYS)
def test_the_whole_file_opens_in_place_of_the_key(key):
    page = page_of(key)
    assert recovery_bytes(page) == key
    assert recovery_bytes(page.replace("\n", "\r\n")) == key


def test_it_says_the_vault_the_time_and_what_to_do():
    page = page_of(bytes(25))
    assert f"Vault: {VAULT}\n" in page
    assert "Made: 2026-11-21 14:05" in page
    for command in ("twin keys passphrase", "twin keys recovery"):
        assert f"<code>{command}</code>" in page
    key_line = page.splitlines().index(recovery_text(bytes(25)))
    numbers = page.splitlines()[key_line - 3]
    assert numbers.split() == [*"12345678", "check"]
    for number, group in zip(numbers.split(), recovery_text(bytes(25)).split("-"), strict=True):
        assert len(number) <= len(group)


def test_it_needs_nothing_from_outside_and_runs_nothing():
    page = page_of(bytes(range(25)))
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    names = {name for name, _ in tags.seen}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    attributes = {name for _, attrs in tags.seen for name in attrs}
    assert not attributes & {"src", "href", "xlink:href", "action", "background"}
    assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in page
    assert "@import" not in page
    assert "://" not in page


def test_it_is_black_on_white():
    colours = set(re.findall(r"#[0-9a-fA-F]{3,6}\b", page_of(bytes(25))))
    assert colours == {"#000", "#fff"}


@pytest.mark.parametrize("vault", ["<b>", 'a"b', "a&b"])
def test_words_from_a_file_stay_words(vault):
    tags = Tags()
    tags.feed(recovery_page(recovery_text(bytes(25)), vault, MADE))
    assert "b" not in {name for name, _ in tags.seen}


LONGEST = b"https://pods.long-example.org/ada-of-the-marsh/" * 4 + bytes(range(64))


@settings(max_examples=10, deadline=None)
@given(KEYS, st.binary(max_size=200))
def test_what_lies_beside_a_key_comes_back_from_the_page_and_from_the_two_codes(key, content):
    letters = sealed_beside(key, content)
    pod = Beside(url="https://pod.example/", webid="https://pod.example/me#i", letters=letters)
    page = recovery_page(recovery_text(key), VAULT, MADE, pod)
    assert recovery_bytes(page) == key
    assert beside_recovery_key(page) == content
    assert beside_recovery_key(f"{recovery_text(key)}\n{letters}\n") == content


def test_of_two_codes_it_is_said_which_is_which():
    pod = Beside(url="u", webid="w", letters=sealed_beside(bytes(25), b"way"))
    page = recovery_page(recovery_text(bytes(25)), VAULT, MADE, pod)
    names = re.findall("</svg>\\n<figcaption>(.*)</figcaption>", page)
    assert names == ["1. The key", "2. The way into the pod"]
    assert "The first code holds" in page
    assert "The square code" not in page
    assert "<figcaption>" not in page_of(bytes(25))


def test_the_second_code_is_read_by_another_program_and_holds_the_letters():
    letters = sealed_beside(bytes(25), LONGEST)
    page = recovery_page(
        recovery_text(bytes(25)), VAULT, MADE, Beside(url="u", webid="w", letters=letters)
    )
    second = page[page.index("</svg>") + 1 :]
    [found] = zxingcpp.read_barcodes(picture(second))
    assert found.text == letters


@pytest.mark.parametrize("other", [bytes(range(25)), bytes(24) + b"1"])
def test_what_lies_beside_another_key_is_refused(other):
    letters = sealed_beside(bytes(25), b"content")
    with pytest.raises(TamperError, match="another copy"):
        beside_recovery_key(f"{recovery_text(other)}\n{letters}")


def test_a_page_without_a_pod_holds_nothing_beside_its_key():
    assert beside_recovery_key(page_of(bytes(25))) is None
