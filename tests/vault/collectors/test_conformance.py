"""The shared suite: every built-in source passes it, and a source that breaks it is told how."""

import sys

import pytest

from tests.vault.collectors.samples import OWNER, SAMPLES
from vault.collectors import Limits, registry
from vault.collectors.conformance import check
from vault.errors import NotFound, UsageError

LINES = """
import itertools, os, socket, time
from datetime import datetime, timezone
from vault.collectors.api import About, Evidence
from vault.collectors.readers.text import clean
from vault.items import Attachment, Bad, Content, Item

COUNTED = itertools.count()

class Lines:
    name = "lines"
    types = frozenset({"document.note"})
    version = 1
    about = About(title="Lines", formats=(("lines", Evidence.INFERRED),), paths=("a.lines",), how="Ask.")

    def detect(self, tree):
        if len(tree.files) != 1:
            return 0.0
        return 0.9 if tree.head(tree.files[0].path).startswith(b"#lines") else 0.0

    def read(self, tree, cursor, me):
        for file in tree.files:
            with tree.open(file.path) as stream:
                lines = stream.read_all(1 << 20).decode("utf-8", "replace").split("\\n")
            for number, line in enumerate(lines):
                where = f"{file.path}#{number}"
                yield self.item(where, number, clean(line))

    def item(self, where, number, text, **more):
        said = {"source": "lines", "native_id": str(number), "type": "document.note", "text": text, "locator": where}
        return Item(**said | more)

"""
FAULTS = {
    "none": ("", "pass", ""),
    "says nothing": ("it says what it reads", "about = None", "About"),
    "claims all": (
        "it leaves to others what is theirs",
        "def detect(self, tree): return 0.5",
        "first bytes",
    ),
    "claims nothing": ("it claims its own", "def detect(self, tree): return 0.0", "detect"),
    "claims too much": ("it claims its own", "def detect(self, tree): return 7.0", "0 to 1"),
    "another type": (
        "its records keep the contract",
        'def item(self, *a, **b): return Lines.item(self, *a, type="message.email.sent")',
        "types",
    ),
    "no id": (
        "its records keep the contract",
        'def item(self, *a, **b): return Lines.item(self, *a, native_id="")',
        "native_id",
    ),
    "a naive time": (
        "its records keep the contract",
        "def item(self, *a, **b): return Lines.item(self, *a, at=datetime(2024, 1, 1))",
        "UTC",
    ),
    "carriage returns": (
        "its records keep the contract",
        "def item(self, w, n, t): return Lines.item(self, w, n, t + '\\r\\n')",
        "readers.text.clean",
    ),
    "elsewhere": (
        "its records keep the contract",
        'def item(self, w, n, t): return Lines.item(self, "/etc/passwd", n, t)',
        "file's path",
    ),
    "says nothing of a file": (
        "its records keep the contract",
        "def read(self, tree, cursor, me): return iter(())",
        "nothing is told",
    ),
    "one id for all": (
        "an id means one thing",
        "def item(self, w, n, t): return Lines.item(self, w, 0, t)",
        "tells them apart",
    ),
    "bytes first": (
        "attachments follow their items",
        """def read(self, *a):
        yield Content(sha256="0" * 64, part=0, parts=1, data=b"")
        yield from Lines.read(self, *a)""",
        "before the item",
    ),
    "never the same": (
        "a second reading is equal",
        "def item(self, w, n, t): return Lines.item(self, w, n, str(next(COUNTED)))",
        "same order",
    ),
    "local time": (
        "no clock or language of the machine gets in",
        """def item(self, w, n, t):
        local = datetime(2024, 1, 1).astimezone(timezone.utc)
        return Lines.item(self, w, n, t, at=local)""",
        "Asia/Kolkata",
    ),
    "falls over": (
        "damaged samples do no harm",
        """def item(self, w, n, t):
        assert "\\x00" not in t and len(t) < 30 and "\\N{REPLACEMENT CHARACTER}" not in t
        return Lines.item(self, w, n, t)""",
        "AssertionError escapes",
    ),
    "hangs": (
        "it survives",
        """def item(self, w, n, t):
        while "\\N{REPLACEMENT CHARACTER}" in t: pass
        return Lines.item(self, w, n, t)""",
        "processor time at damaged sample",
    ),
    "looks around": (
        "it reaches for nothing but the tree",
        """def detect(self, tree):
        try: socket.create_connection(("127.0.0.1", 9))
        except OSError: pass
        return Lines.detect(self, tree)""",
        "socket.",
    ),
    "writes": (
        "it reaches for nothing but the tree",
        """def detect(self, tree):
        try: open("/tmp/never", "w")
        except OSError: pass
        return Lines.detect(self, tree)""",
        "open",
    ),
}


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """A source of somebody else with a fault, installed beside the project, and its sample."""

    def install(fault):
        folder = tmp_path / "site"
        metadata = folder / "lines-1.0.dist-info"
        metadata.mkdir(parents=True)
        (folder / "lines_source.py").write_text(
            f"{LINES}\nclass Faulty(Lines):\n    {fault}\n\nSOURCE = Faulty()\n"
        )
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lines\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            "[vault.collectors]\nlines = lines_source:SOURCE\n"
        )
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "lines_source", raising=False)
        sample = tmp_path / "a.lines"
        sample.write_text("#lines\none\ntwo\nna\u00efve\n")
        return sample

    return install


@pytest.mark.parametrize("name", [name for name in registry.names() if name in SAMPLES])
def test_every_built_in_source_keeps_the_contract(tmp_path, name):
    sample = tmp_path / "sample"
    sample.mkdir()
    SAMPLES[name](sample)
    report = check(name, sample, OWNER, mutations=20)
    assert [one for one in report.checks if not one.passed] == []
    assert report.passed
    assert report.items


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_its_own_check_and_the_way_out_is_told(lines, fault):
    name, code, way_out = FAULTS[fault]
    report = check("lines", lines(code), mutations=60, limits=Limits(cpu_seconds=1))
    failed = {one.name: one.reason for one in report.checks if not one.passed}
    assert report.passed == (not name)
    if name:
        assert way_out in failed[name]
    else:
        assert len(report.checks) == 11
        assert (report.items, report.bad) == (5, 0)


def test_what_is_not_there_is_told(lines, tmp_path):
    with pytest.raises(UsageError, match="no source 'nonsense'"):
        check("nonsense", lines("pass"))
    with pytest.raises(NotFound):
        check("lines", tmp_path / "nothing")
    (tmp_path / "site" / "lines_source.py").write_text("raise OSError")
    with pytest.raises(UsageError, match="broken"):
        check("lines", tmp_path / "a.lines")


def test_the_command_reports_and_leaves_with_one_where_anything_is_wrong(tmp_path, twin):
    good = tmp_path / "n.md"
    good.write_text("# One\n")
    told = twin.ok("sources", "check", "markdown", str(good), "--mutations", "9")
    assert told["passed"]
    assert all(one["passed"] for one in told["checks"])
    failed = twin("sources", "check", "mbox", str(good))
    assert failed.status == 1
    assert "FAILED it claims its own" in failed.out
