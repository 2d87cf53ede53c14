"""Truncated and mutated samples: the parent never raises, and whatever is found adds up."""

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vault.collectors import Found, collect
from vault.collectors.readers.archives import grow
from vault.collectors.readers.tree import Unreadable
from vault.collectors.registry import load
from vault.items import Bad, Item, Progress

MAIL = (
    b"From a@b.example Mon Jan  2 15:04:05 2012\nFrom: =?utf-8?q?A=C3=A9?= <a@b.example>\n"
    b'To: c@d.example, "E, F" <e@f.example>\nDate: Mon, 2 Jan 2012 15:04:05 +0100\nMessage-ID: <1@x>\n'
    b"References: <0@x>\n <z@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    b"Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n8NLJ18XU\n--b\n"
    b"Content-Type: text/html\n\n<p>x<blockquote>y</blockquote>\n--b--\n\n"
    b"From a@b.example Mon Jan  2 15:04:06 2012\nFrom: b\n\nOn x wrote:\n> y\n-- \nz\n"
)
CHAT = "[13/01/24, 9:05:01\u202fPM] Ada: one\ntwo\n\u200e[14/01/24, 9:05:02 AM] Bob: <attached: a.jpg>\n".encode()
NOTE = b"---\ndate: 2024-01-02\ntags: [a, b]\n---\n# T\n[[a|b]] ![[c.png]] %%d%% ^e\n"
DIARY = "2024-01-05\nRain.\n\nSaturday, 6 January 2024\nSun — naïve.\n".encode()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("WhatsApp Chat - X/_chat.txt"), CHAT)
        archive.writestr(zipfile.ZipInfo("notes/a.md"), NOTE)
        archive.writestr(zipfile.ZipInfo("m.mbox"), MAIL)
    return buffer.getvalue()


SAMPLES = {
    "m.mbox": MAIL,
    "m.eml": MAIL[42:],
    "c.txt": CHAT,
    "n.md": NOTE,
    "d.txt": DIARY,
    "z.zip": zipped(),
}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sample with pieces cut out, doubled, overwritten."""
    name = draw(st.sampled_from(sorted(SAMPLES)))
    data = bytearray(SAMPLES[name])
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 40)))
        what = draw(st.sampled_from(["cut", "end", "double", "noise", "byte"]))
        if what == "cut":
            del data[start:stop]
        elif what == "end":
            del data[start:]
        elif what == "double":
            data[start:start] = data[start:stop] * draw(st.integers(1, 50))
        elif what == "noise":
            data[start:stop] = draw(st.binary(max_size=20))
        elif start < len(data):
            data[start] = draw(st.integers(0, 255))
    return name, bytes(data)


quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)


@quiet
@given(mutated())
def test_the_parent_gets_a_report_of_whatever_the_child_was_given(sample):
    name, data = sample
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        outcomes = list(collect(path, frozenset({"ada", "a@b.example"})))
    records = [outcome for outcome in outcomes if isinstance(outcome, Item | Bad)]
    assert records
    assert all(record.locator.startswith(name) for record in records)
    assert all(isinstance(outcome, Found | Item | Bad | Progress) for outcome in outcomes)


@settings(quiet, max_examples=400)
@given(mutated())
def test_sources_raise_nothing_but_what_they_may(sample):
    """Without the child, for many examples: what would have been its death is a failure here."""
    name, data = sample
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        tree = grow(path)
        for source in load()[0]:
            for file in tree:
                part = tree.sub([file])
                try:
                    source.detect(part)
                except Unreadable:
                    continue
                for record in source.read(part, None, frozenset({"ada"})):
                    assert isinstance(record, Item | Bad | Progress)
                    if isinstance(record, Item):
                        assert record.type in source.types
                        f"{record.text}{record.title}{record.conversation}".encode()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_samples_themselves_are_read(tmp_path, gather, name):
    (tmp_path / name).write_bytes(SAMPLES[name])
    gathered = gather(tmp_path / name)
    assert gathered.items
    assert not gathered.bad
