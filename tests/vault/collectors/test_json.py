"""JSON of strangers: what survives, what is refused, and large files by the element."""

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator

import msgspec
import pytest

from tests.linear import growth
from vault.collectors.readers import json as reader
from vault.collectors.readers.json import DEEPEST, Broken, Element, Start, loads, split
from vault.collectors.readers.tree import Stream, Unreadable


class Note(msgspec.Struct):
    text: str = ""
    size: float | None = None


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b'{"text": "fig"}', "fig"),
        (b'\xef\xbb\xbf{"text": "fig"}', "fig"),
        ('{"text": "é"}'.encode("utf-16"), "é"),
        ('{"text": "é"}'.encode("utf-16-le"), "é"),
        ('{"text": "é"}'.encode("utf-16-be"), "é"),
        (rb'{"text": "a\ud83d\ude00b"}', "a😀b"),
        (rb'{"text": "a\ud83db"}', "a\ufffdb"),
        (b'{"text": "a\xed\xa0\xbd\xed\xb8\x80b"}', "a😀b"),
        (b'{"text": "caf\xe9"}', "caf\ufffd"),
        (b'{"text": "two\nlines"}', "two\nlines"),
        (rb'{"text": "a\x0Bb\\x0B"}', "a\x0bb\\x0B"),
        (b'{"size": NaN, "text": "fig"}', "fig"),
        (b'{"size": 1e999, "text": "fig"}', "fig"),
        (b'{"other": {"deep": [[[1]]]}, "text": "fig"}', "fig"),
        (b'{"other": [%s], "text": "fig"}' % b",".join([b"[{}]"] * 999), "fig"),
        (b'{"other": "%s", "text": "fig"}' % (b"[" * 999), "fig"),
    ],
)
def test_what_programs_write_is_read(document: bytes, text: str) -> None:
    assert loads(document, Note).text == text


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "it is broken or cut off JSON"),
        (b'{"text": "secret', "it is broken or cut off JSON"),
        (b'{"text": "secret",}', "it is broken or cut off JSON"),
        (b'{"text": "secret"} {"text"', "it is broken or cut off JSON"),
        (b'{"text": 5}', "it is of another shape than such files have"),
        (b'["secret"]', "it is of another shape than such files have"),
        (b"[" * 201 + b"]" * 201, f"it is nested deeper than {DEEPEST}"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, f"it is nested deeper than {DEEPEST}"),
        (b"[{" * 100_000, f"it is nested deeper than {DEEPEST}"),
    ],
)
def test_what_cannot_be_read_is_refused_without_its_content(document: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        loads(document, Note)
    assert str(refused.value) == reason


def parts(data: bytes, key: str = "messages") -> list[Start | Element | Broken]:
    return list(split(Stream(io.BytesIO(data), budget=1 << 40, beat=lambda: None), key))


def numbers(data: bytes, key: str = "messages") -> list[object]:
    """Return the ids of all elements, and where the file breaks off."""
    found: list[object] = []
    for part in parts(data, key):
        if isinstance(part, Element):
            assert data[part.offset : part.offset + len(part.data)] == part.data
            found.append(loads(part.data, dict[str, object])["id"])
        elif isinstance(part, Broken):
            found.append("broken")
    return found


HARD = 'a "\\ {[ ]} },\n  {"id": 7},\n   '
ACCOUNT = {
    "personal_information": {"user_id": 7},
    "contacts": {"list": [{"messages": "none"}, [1, [2]]]},
    "chats": {
        "list": [
            {
                "name": f"chat {chat}",
                "messages": [{"id": n, "text": HARD, "e": [{"a": []}, {}]} for n in range(chat)],
                "after": [{"messages": []}],
            }
            for chat in range(4)
        ]
    },
    "left_chats": {"list": [{"messages": [{"id": 9}]}]},
}
WAYS = {
    "tight": lambda value: json.dumps(value, separators=(",", ":")).encode(),
    "loose": lambda value: json.dumps(value).encode(),
    "indented": lambda value: json.dumps(value, indent=1).encode(),
    "by tabs": lambda value: json.dumps(value, indent="\t").encode(),
    "of windows": lambda value: json.dumps(value, indent=2).encode().replace(b"\n", b"\r\n"),
    "flat": lambda value: json.dumps(value, indent=0).encode(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("block", [1 << 20, 150])
def test_elements_are_found_however_they_are_written(
    way: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_BLOCK", block)
    assert numbers(WAYS[way](ACCOUNT)) == [0, 0, 1, 0, 1, 2, 9]


@pytest.mark.parametrize("way", ["tight", "indented"])
def test_of_a_file_cut_off_anywhere_the_beginning_is_read(way: str) -> None:
    data = WAYS[way](ACCOUNT)
    whole = [0, 0, 1, 0, 1, 2, 9]
    for end in range(0, len(data) - 1, 5):
        *read, last = numbers(data[:end])
        assert last == "broken"
        assert read == whole[: len(read)]


def test_an_array_begins_with_what_stood_before_it() -> None:
    starts = [part for part in parts(WAYS["indented"](ACCOUNT)) if isinstance(part, Start)]
    root, chats, chat = (json.loads(document) for document in starts[4].around)
    assert root["personal_information"] == {"user_id": 7}
    assert chats == {}
    assert chat == {"name": "chat 2"}


def test_a_document_may_be_the_array() -> None:
    assert numbers(b'\xef\xbb\xbf [{"id": 1}, {"id": [{"id": 2}]}]', "") == [1, [{"id": 2}]]
    assert numbers(b"[]", "") == []
    assert numbers(b'{"id": 1}', "") == []


def test_text_in_utf_16_is_read_too() -> None:
    found = parts('{"messages": [{"id": "é"}]}'.encode("utf-16"))
    assert found[1] == Element(14, '{"id": "é"}'.encode())


@pytest.mark.parametrize("broken", ['{"id": }', '{"id": "a}', '{"id": [}', "{{{{", "}"])
def test_a_broken_element_leaves_the_others_of_an_indented_file(broken: str) -> None:
    lines = ['  {\n   "id": 1\n  }', f"  {{\n   {broken}\n  }}", '  {\n   "id": 3\n  }']
    data = ('{\n "messages": [\n' + ",\n".join(lines) + "\n ]\n}").encode()
    found = [part for part in parts(data) if not isinstance(part, Start)]
    assert len(found) == 3
    assert [loads(part.data, dict[str, int]) for part in (found[0], found[2])] == [  # type: ignore[union-attr]
        {"id": 1},
        {"id": 3},
    ]


def test_a_document_without_end_or_nested_for_ever_is_broken_once() -> None:
    assert [type(part) for part in parts(b"[" * 100_000)] == [Broken]
    assert [type(part) for part in parts(b'{"a":' * 100_000)] == [Broken]
    assert [type(part) for part in parts(b'{"a": "' + b"x" * 100_000)] == [Broken]
    assert [type(part) for part in parts(b"")] == [Broken]
    assert [type(part) for part in parts(b"\x00\xff hello")] == [Broken]


class Endless(io.RawIOBase):
    """A chat of many megabytes that lies nowhere."""

    def __init__(self, count: int) -> None:
        self._blocks = self._written(count)
        self._left = b""

    @staticmethod
    def _written(count: int) -> Iterator[bytes]:
        yield b'{"name": "x", "messages": [\n'
        for number in range(count):
            yield b'  {\n   "id": %d,\n   "text": "%s"\n  },\n' % (number, b"fig " * 200)
        yield b'  {\n   "id": -1\n  }\n]}'

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size and (block := next(self._blocks, b"")):
            self._left += block
        block, self._left = self._left[:size], self._left[size:]
        return block


def test_a_file_of_any_size_needs_little_memory() -> None:
    count = 20_000
    tracemalloc.start()
    stream = Stream(Endless(count), budget=1 << 40, beat=lambda: None)  # type: ignore[arg-type]
    assert sum(isinstance(part, Element) for part in split(stream, "messages")) == count + 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_broken_element_at_the_end_of_an_array_does_not_reach_the_next_array() -> None:
    data = WAYS["indented"](ACCOUNT)
    last = data.rindex(b'"id": 2')
    data = data[:last] + b'"id": {2' + data[last + len(b'"id": 2') :]
    found = [part for part in parts(data) if isinstance(part, Element | Broken)]
    assert len(found) == 7
    assert isinstance(found[-1], Element)
    assert loads(found[-1].data, dict[str, int]) == {"id": 9}


def count(data: bytes) -> int:
    return sum(isinstance(part, Element) for part in parts(data))


CHAT = b'{"messages": [\n %b\n]}'
UNUSUAL: dict[str, Callable[[int], bytes]] = {
    "commas on lines of their own": lambda number: (
        CHAT % b"\n,\n ".join([b'{\n  "id": 1\n }'] * number)
    ),
    "every line further in": lambda number: (
        CHAT % b",\n".join(b" " * (n % 200 + 1) + b'{"id": 1\n}' for n in range(number))
    ),
    "ends on lines of their own, and further in": lambda number: (
        CHAT % b"\n ,\n".join(b" " * (n % 2 + 1) + b'{"id": 1\n]]}' for n in range(number))
    ),
    "keys that none has twice": lambda number: (
        CHAT % b",".join(b'{"%d": 1}' % n for n in range(number))
    ),
    "keys that each has twice": lambda number: (
        CHAT % b",".join(b'{"%d": 1}' % (n // 2) for n in range(number))
    ),
    "arrays of one": lambda number: (
        b"[%b]" % b",".join([b'{"messages": [\n {"id": 1}]\n}'] * number)
    ),
}


@pytest.mark.parametrize("way", UNUSUAL)
def test_elements_cost_no_more_each_in_a_file_of_many(way: str) -> None:
    files = {number: UNUSUAL[way](number) for number in (2_000, 16_000)}
    assert growth(lambda number: count(files[number]), 2_000, 16_000) < 20


@pytest.mark.parametrize("way", ["commas on lines of their own", "arrays of one"])
def test_elements_are_found_between_unusual_lines(way: str) -> None:
    assert numbers(UNUSUAL[way](500)) == [1] * 500
