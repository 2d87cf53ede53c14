from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources.notion import SOURCE
from vault.items import Bad, Content, Item, Precision

HOME = "39d2b6745dc68012930afe9bc14d27eb"
SUB = "aaaabbbbccccddddeeeeffff00001111"
LOG = "0123456789abcdef0123456789abcdef"
ROW = "5f3a1c2b4d5e6f708192a3b4c5d6e7f8"

PAGES = {
    f"Home {HOME}.md": (
        "# Home\n\n"
        f"See [the log](Home%20{HOME}/Ship's%20log%20{LOG}.csv), [Sub](Home%20{HOME}/Sub%20page%20{SUB}.md)\n"
        f"![tide](Home%20{HOME}/tide%20(1).png) [plan](Home%20{HOME}/plan.pdf) [web](https://example.org/)\n"
    ),
    f"Home {HOME}/Sub page {SUB}.md": "# Sub page: more?\n\nNote: this is no property.\n\ntext",
    f"Home {HOME}/tide (1).png": b"\x89PNG",
    f"Home {HOME}/plan.pdf": b"%PDF",
    f"Home {HOME}/Ship's log {LOG}/Sailed, and a name that is longer than most fil {ROW}.md": (
        "# Sailed, and a name that is longer than most file names may be\n\n"
        "Logged: no\nCreated: January 2, 2024 8:00 AM\nRemark: first\nsecond: line\nTags: sea, Log book\n\nWind.\n"
    ),
    f"Home {HOME}/Ship's log {LOG}_all.csv": (
        "\ufeffName,Created,Logged,Remark,Tags\r\n"
        '"Sailed, and a name that is longer than most file names may be","January 2, 2024 8:00 AM",no,"first\nsecond: line","sea, Log book"\r\n'
        '2024-01-03,"January 3, 2024 9:30 PM",yes,,sea\r\n'
        "broken,row\r\n"
        "Calm,,,,\r\n"
    ),
    f"Home {HOME}/Ship's log {LOG}.csv": "\ufeffName,Tags\nshown,x\n",
}


def zipped(files):
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def export(path, files=PAGES, folder=""):
    """An export as Notion packs it: an archive of parts."""
    part = zipped({folder + name: content for name, content in files.items()})
    path.write_bytes(zipped({"ExportBlock-0f3c2b1a-Part-1.zip": part}))
    return path


def read(path, kind=Item | Bad):
    tree = grow(path)
    records = list(SOURCE.read(tree, None, frozenset()))
    assert list(SOURCE.read(grow(path), None, frozenset())) == records
    return [record for record in records if isinstance(record, kind)]


@pytest.fixture
def records(tmp_path):
    return read(export(tmp_path / "Export-0f3c2b1a.zip"))


def by_title(records):
    return {record.title: record for record in records if isinstance(record, Item)}


def test_an_export_is_its_pages_and_the_rows_without_one(tmp_path, gather):
    gathered = gather(export(tmp_path / "Export-0f3c2b1a.zip"))
    assert [found.source for found in gathered.found] == ["notion"]
    assert [(item.conversation, item.type) for item in gathered.items] == [
        ("Home", "document.note"),
        ("Home/Sub page: more?", "document.note"),
        (
            "Home/Ship's log/Sailed, and a name that is longer than most file names may be",
            "document.note",
        ),
        ("Home/Ship's log/2024-01-03", "document.journal"),
        ("Home/Ship's log/Calm", "document.note"),
    ]
    assert list(gathered.reasons.values()) == [
        "the row has not as many cells as there are columns"
    ], "the shorter table, the picture and the plan are no leftovers"


def test_links_are_their_names_and_files_are_attachments(records, tmp_path):
    home = by_title(records)["Home"]
    assert home.native_id == HOME
    assert home.own_text == "See the log, Sub\n plan [web](https://example.org/)"
    assert [(one.name, one.sha256) for one in home.attachments] == [
        ("tide (1).png", sha256(b"\x89PNG").hexdigest()),
        ("plan.pdf", sha256(b"%PDF").hexdigest()),
    ]
    blocks = read(tmp_path / "Export-0f3c2b1a.zip", Content)
    assert [block.data for block in blocks] == [b"\x89PNG", b"%PDF"]


def test_a_row_has_the_properties_on_its_page(records):
    row = by_title(records)["Sailed, and a name that is longer than most file names may be"]
    assert (row.native_id, row.own_text) == (ROW, "Wind.")
    assert row.text.startswith("# Sailed")
    assert "Remark: first\nsecond: line" in row.text
    assert row.tags == ("sea", "Log book")
    assert (row.at, row.precision, row.assumed) == (
        datetime(2024, 1, 2, 8, tzinfo=UTC),
        Precision.MINUTE,
        True,
    )


def test_a_row_without_a_page_is_its_cells(records):
    row = by_title(records)["2024-01-03"]
    assert row.text == "Name: 2024-01-03\nCreated: January 3, 2024 9:30 PM\nLogged: yes\nTags: sea"
    assert (row.at, row.tags) == (datetime(2024, 1, 3, 21, 30, tzinfo=UTC), ("sea",))
    assert row.native_id.startswith(f"{LOG}#")


def test_of_two_rows_of_one_title_only_one_has_the_page(tmp_path):
    files = {
        f"Log {LOG}/Sailed {ROW}.md": "# Sailed\n\nDay: 1\n",
        f"Log {LOG}.csv": "Name,Day\nSailed,1\nSailed,2\nSailed,3\n",
    }
    page, *rows = read(export(tmp_path / "a.zip", files))
    assert (page.native_id, [row.text for row in rows]) == (
        ROW,
        ["Name: Sailed\nDay: 2", "Name: Sailed\nDay: 3"],
    )
    assert len({row.native_id for row in rows}) == 2


def test_a_line_with_a_colon_is_no_property_of_an_ordinary_page(records):
    sub = by_title(records)["Sub page: more?"]
    assert (sub.native_id, sub.own_text, sub.tags) == (
        SUB,
        "Note: this is no property.\n\ntext",
        (),
    )


@pytest.mark.parametrize("layer", ["", "Private & Shared/", "Export-0f3c2b1a/", "Bord de mer/"])
def test_a_layer_around_the_pages_changes_no_id(tmp_path, records, layer):
    again = read(export(tmp_path / "renamed.zip", folder=layer))
    assert [r.native_id for r in again if isinstance(r, Item)] == [
        r.native_id for r in records if isinstance(r, Item)
    ]
    above = "" if layer.startswith("Export") else layer
    assert {r.conversation for r in again if isinstance(r, Item)} == {
        above + r.conversation for r in records if isinstance(r, Item)
    }
    tree = grow(tmp_path / "renamed.zip")
    assert SOURCE.detect(tree) == 0.95


def test_folders_of_newer_exports_have_no_ids(tmp_path):
    def bare(name):
        folder, slash, file = name.rpartition("/")
        return folder.replace(f" {HOME}", "").replace(f" {LOG}", "") + slash + file

    path = export(tmp_path / "a.zip", {bare(name): content for name, content in PAGES.items()})
    items = by_title(read(path))
    assert len(items) == 5
    assert items["Home"].native_id == HOME
    assert SOURCE.detect(grow(path)) == 0.95


def test_an_export_in_a_folder_of_other_things_is_found_alone(tmp_path, gather):
    export(tmp_path / "Export-0f3c2b1a.zip")
    (tmp_path / "diary.md").write_text("# mine")
    gathered = gather(tmp_path)
    assert sorted({item.source for item in gathered.items}) == ["markdown", "notion"]
    assert len(gathered.items) == 6


def test_a_page_alone_is_known_by_its_name_and_title(tmp_path):
    for name, content in (
        (f"Home {HOME}.md", "# Home\n"),
        (f"Other {HOME}.md", "# Something else\n"),
        (f"Plain {HOME}.md", "Plain words"),
        ("Home.md", "# Home\n"),
    ):
        (tmp_path / name).write_text(content)
    tree = grow(tmp_path)
    found = {file.name: SOURCE.detect(tree.sub([file])) for file in tree}
    assert [name for name, sureness in found.items() if sureness] == [f"Home {HOME}.md"]


HTML = (
    '<html><head><meta charset="utf-8"><title>At sea</title></head><body>'
    '<article id="39d2b674-5dc6-8012-930a-fe9bc14d27eb" class="page sans"><header>'
    '<h1 class="page-title">At <strong>sea</strong></h1><table class="properties"><tbody>'
    '<tr class="property-row property-row-multi_select"><th><span class="icon"></span>Tags</th>'
    '<td><span class="selected-value">home office</span><span class="selected-value">sea</span></td></tr>'
    '<tr class="property-row property-row-created_time"><th>Created</th>'
    "<td><time>@January 5, 2024 9:30 PM</time></td></tr></tbody></table></header>"
    '<div class="page-body"><p id="x" class="">Wind and <a href="Other%20aaaabbbbccccddddeeeeffff00001111.html">waves</a>.</p>'
    '<figure><img src="At%20sea/tide.png"/></figure></div></article></body></html>'
)


def test_an_html_export_reads_to_the_same_page(tmp_path, gather):
    files = {
        "index.html": "<html><body><ul id='id::39d2'></ul></body></html>",
        f"At sea {HOME}.html": HTML,
        "At sea/tide.png": b"\x89PNG",
        "At sea/Below 11112222333344445555666677778888.html": HTML.replace("39d2b674", "49d2b674"),
    }
    gathered = gather(export(tmp_path / "Export-0f3c2b1a.zip", files))
    below, item = sorted(gathered.items, key=lambda item: item.native_id, reverse=True)
    assert (item.native_id, item.title, item.tags) == (HOME, "At sea", ("home office", "sea"))
    assert (item.text, item.own_text) == (
        "# At sea\n\nTags: home office, sea\nCreated: @January 5, 2024 9:30 PM\n\nWind and waves.",
        "Wind and waves.",
    )
    assert item.at == datetime(2024, 1, 5, 21, 30, tzinfo=UTC)
    assert [one.name for one in item.attachments] == ["tide.png"]
    assert below.conversation == "At sea/At sea"
    assert gathered.reasons == {}


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("Erstellt am: 2. Januar 2024 08:00", datetime(2024, 1, 2, 8, tzinfo=UTC)),
        ("Créé le: 2 janvier 2024 08:00", datetime(2024, 1, 2, 8, tzinfo=UTC)),
        ("作成日時: 2024年1月2日 8:00", datetime(2024, 1, 2, 8, tzinfo=UTC)),
        ("Created time: 2024-01-02T08:00:00+02:00", datetime(2024, 1, 2, 6, tzinfo=UTC)),
        ("Date: January 2, 2024 → January 4, 2024", datetime(2024, 1, 2, tzinfo=UTC)),
    ],
)
def test_the_time_of_a_page_is_what_it_states_in_any_language(tmp_path, stated, at):
    (item,) = read(export(tmp_path / "a.zip", {f"A {HOME}.md": f"# A\n\n{stated}\n\nwords"}))
    assert (item.at, item.own_text) == (at, "words")


def test_an_ambiguous_time_leaves_that_of_the_file(tmp_path):
    (item,) = read(
        export(tmp_path / "a.zip", {f"A {HOME}.md": "# A\n\nCreated: 02/03/2024\n\nwords"})
    )
    assert (item.precision, item.own_text) == (Precision.FILE, "words")


def test_broken_pages_are_told_and_the_others_are_read(tmp_path):
    files = {
        f"A {HOME}.md": bytes(range(32)) * 200,
        f"B {SUB}.md": "# B\n\nwords",
        f"C {LOG}.csv": b"\x00\x01\x02" * 3000,
        f"D {ROW}.html": HTML[:200],
    }
    bad, page, table, cut = read(export(tmp_path / "a.zip", files))
    assert (bad.reason, table.reason) == ("it is no text", "it is no text")
    assert (page.title, page.own_text) == ("B", "words")
    assert (cut.title, cut.text) == ("At sea", "# At sea")


def test_the_sample_reads_to_its_three_records(shared):
    items = by_title(read(shared / "exports/made-here/notion/Export-abc.zip"))
    assert {title: (item.native_id[:32], item.at.isoformat()) for title, item in items.items()} == {
        "Journal": (HOME, "2024-01-02T08:00:00+00:00"),
        "Sub page": (SUB, items["Sub page"].at.isoformat()),
        "Write": (LOG, "2024-01-03T00:00:00+00:00"),
    }
    assert items["Journal"].own_text == "Hello Sub"
    assert items["Journal"].tags == ("personal",)


def test_hostile_pages_cost_no_more_than_their_length(tmp_path):
    pieces = ["[a](" * 90, "![a](b" * 80, "a: b " * 60, "[" * 300, "[a](b(c" * 50]
    text = f"# A\n\n{chr(10).join(pieces * 800)}"
    (item,) = read(export(tmp_path / "a.zip", {f"A {HOME}.md": text}))
    assert item.title == "A"
