import json
import re
import tracemalloc
from pathlib import Path

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.readers.mapping import TYPES, Mapping, clock
from vault.collectors.sources.table import SOURCE
from vault.consent import normal
from vault.items import Agent, Bad, Item, Precision

MANUAL = (Path(__file__).parents[3] / "docs" / "tables.md").read_text("utf-8")
RUSSIAN = (
    "\u0434\u043e\u043c \u0441\u0442\u043e\u0438\u0442"
    " \u043d\u0430 \u0431\u0435\u0440\u0435\u0433\u0443"
    " \u043c\u043e\u0440\u044f \u0433\u0434\u0435"
    " \u043c\u044b \u0433\u0443\u043b\u044f\u043b\u0438"
)
PLAIN = 'type = "document.note"\ntext = "text"\n'


def read(path, me=()):
    tree = grow(path)
    owner = frozenset(normal(name) for name in me)
    records = list(SOURCE.read(tree, None, owner))
    assert list(SOURCE.read(grow(path), None, owner)) == records
    return [record for record in records if isinstance(record, Item | Bad)]


@pytest.fixture
def table(tmp_path):
    """Read a table of some content with a mapping."""

    def run(content, mapping=PLAIN, name="t.csv", me=()):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        (tmp_path / "t.mapping.toml").write_text(mapping, encoding="utf-8")
        return read(tmp_path, me)

    return run


def outcome(record):
    return (
        record.text
        if isinstance(record, Item)
        else (int(record.locator.split("#")[1]), record.reason)
    )


EXAMPLES = re.findall(
    r"`([a-z.]+)`.*?```(?:csv|jsonl)\n(.*?)```.*?`([a-z.]+)`.*?```toml\n(.*?)```.*?```text\n(.*?)```",
    MANUAL,
    re.DOTALL,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_the_examples_of_the_manual_are_true(tmp_path, gather, example):
    table_name, table, mapping_name, mapping, expected = example
    (tmp_path / table_name).write_text(table, encoding="utf-8")
    (tmp_path / mapping_name).write_text(mapping, encoding="utf-8")
    gathered = gather(tmp_path)
    assert gathered.reasons == {}
    told = [
        [item.type, *str(item.at)[:16].split(), item.author.name, *item.text.split()]
        for item in gathered.items
    ]
    assert told == [line.split() for line in expected.splitlines()]


def test_the_manual_has_its_examples_and_every_key():
    assert [example[0] for example in EXAMPLES] == ["chat.csv", "app.jsonl"]
    keys = set(
        re.findall(r"`([a-z]+)`", "".join(re.findall(r"^\| (`.*?) \|", MANUAL, re.MULTILINE)))
    )
    assert keys == set(Mapping.__struct_fields__)
    for name in TYPES:
        assert f"`{name.removesuffix('.sent').removesuffix('.received')}`" in MANUAL


def test_a_row_is_an_item_with_all_that_the_mapping_names(table):
    (item,) = table(
        "id,at,from,to,room,subject,labels,text\n"
        "7,2024-01-05T21:30:00+01:00,ada@example.org,Bob; +49 151 1234567,Crew,Wind,sea; log,Fair.\n",
        'type = "message.email"\nid = "id"\ntime = "at"\nauthor = "from"\nto = "to"\nname = "club"\n'
        'conversation = "room"\ntitle = "subject"\ntags = "labels"\ntext = "text"\n',
        me=["Ada@Example.org"],
    )
    assert (item.native_id, item.type, item.conversation) == (
        "club:7",
        "message.email.sent",
        "Crew",
    )
    assert (item.at.isoformat(), item.offset, item.precision, item.assumed) == (
        "2024-01-05T20:30:00+00:00",
        60,
        Precision.SECOND,
        False,
    )
    assert item.author == Agent(id="mailto:ada@example.org")
    assert item.to == (
        Agent(id="name:Bob", name="Bob"),
        Agent(id="tel:+491511234567", name="+49 151 1234567"),
    )
    assert (item.title, item.tags, item.text) == ("Wind", ("sea", "log"), "Fair.")


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("text\none\ntwo", ["one", "two"]),
        ("\ufefftext;x\r\none;1\r\n\r\ntwo;2\r\n", ["one", "two"]),
        ("sep=;\ntext;x\none;1\n", ["one"]),
        ("x\ttext\n1\tone, two\n", ["one, two"]),
        ("text|x\none|\n", ["one"]),
        ("text,x\rone,1\rtwo,2\r", ["one", "two"]),
        ('text,x\n"one\n\ntwo ""three""",1\nfour,2\n', ['one\n\ntwo "three"', "four"]),
        ("text,x\none\ntwo,2,,\n", ["one", "two"]),
        ("text,text\none,two\n", ["one"]),
        ("text\no\0ne\n", ["one"]),
        (b"text,x\ncaf\xe9,1\n" + b"caf\xc3\xa9,2\n" * 3, ["caf\u00e9"] * 4),
        (
            b"text,x\n" + b"caf\xe9 noir,1\n" * 9 + b"caf\xc3\xa9 noir,2\n" * 20,
            ["caf\u00e9 noir"] * 29,
        ),
        (f"text\n{RUSSIAN}\n".encode("cp1251"), [RUSSIAN]),
        ("text\nz\u00fcrich\n".encode("utf-16"), ["z\u00fcrich"]),
    ],
)
def test_tables_as_programs_write_them(table, content, texts):
    assert [outcome(record) for record in table(content)] == texts


@pytest.mark.parametrize(
    ("content", "outcomes"),
    [
        (
            'text,x\n"one "a"\ntwo,2\n',
            [(2, "there are 1 cells where 2 are named"), "two"],
        ),
        (
            "text,x\none,1\ntwo,2,3\nthree,3\n",
            ["one", (3, "there are 3 cells where 2 are named"), "three"],
        ),
        (
            'text,x\n"one,1\ntwo,2\nthree,3\n',
            [(2, "a quote in the row is not closed"), "two", "three"],
        ),
        (
            'text,x\n"one" more,1\n"two,\n2"\n"three\n',
            ["one more", "two,\n2", (5, "a quote in the row is not closed")],
        ),
        (
            'text,x\n"one,1\ntwo,2\nthree "so" there,3\nfour,4,5,6,7\n',
            [
                (2, "a quote in the row is not closed"),
                "two",
                'three "so" there',
                (5, "there are 5 cells where 2 are named"),
            ],
        ),
        (
            f"text,x\none,1\n{'y' * (9 << 20)}\ntwo,2\n",
            ["one", (3, "the line is too long"), "two"],
        ),
        (
            f"text,x\none,1\n{'y' * (2 << 20)},2\ntwo,2\n",
            ["one", (3, "a cell is too large"), "two"],
        ),
        (
            f'text,x\n"one,1\n{"y" * (9 << 20)}\ntwo,2\n',
            [(2, "a quote in the row is not closed"), (3, "the line is too long"), "two"],
        ),
    ],
)
def test_a_broken_row_costs_itself_alone(table, content, outcomes):
    assert [outcome(record) for record in table(content)] == outcomes


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"text": "one"}', "one"),
        ('{"text": 7}', "7"),
        ('{"text": true}', "true"),
        ('{"text": null}', ""),
        ('{"text": "\\ud83d half"}', "\ufffd half"),
        ('{"text": ["one"]}', (2, "a list or an object stands where the mapping expects text")),
        ('{"text": ', (2, "it is broken or cut off JSON")),
        ("[1]", (2, "it is of another shape than such files have")),
        ("[" * 1000, (2, "it is nested deeper than 200")),
    ],
)
def test_each_line_of_json_stands_for_itself(table, line, expected):
    records = table(f'{{"text": "before"}}\n{line}\n\n{{"text": "after"}}\n', name="t.jsonl")
    assert [outcome(record) for record in records] == ["before", expected, "after"]


def test_who_wrote_a_message_decides_its_direction(table):
    content = "text,who\none,Ada\ntwo,Bob\nthree,\n"
    mapping = 'type = "message.sms"\ntext = "text"\nauthor = "who"\n'
    types = [
        [r.type.rpartition(".")[2] for r in table(content, mapping, me=me)] for me in ((), ["ada"])
    ]
    assert types == [["received"] * 3, ["sent", "received", "received"]]
    fixed = table(content, mapping.replace("message.sms", "message.sms.sent"))
    assert {record.type for record in fixed} == {"message.sms.sent"}


def test_words_of_others_are_no_notes_of_the_owner(table):
    mapping = PLAIN + 'author = "who"\nowner = "Ada"\n'
    records = table("text,who\none,Ada\ntwo,Bob\nthree,\n", mapping)
    assert [outcome(record) for record in records] == [
        "one",
        (3, "somebody else wrote it, and of others only messages are read"),
        "three",
    ]


def test_types_and_times_that_the_mapping_does_not_know_are_told(table):
    mapping = (
        'type = { column = "kind", values = { n = "document.note" } }\ntext = "text"\n'
        'time = { column = "at", format = "%d.%m.%Y" }\n'
    )
    records = table(
        "text,kind,at\none,n,5.1.2024\ntwo,x,5.1.2024\nthree,n,soon\nfour,n,\n", mapping
    )
    assert [outcome(record) for record in records] == [
        "one",
        (3, "the mapping has no type for what stands in the column of types"),
        (4, "its time is not written as the mapping says"),
        "four",
    ]
    assert (records[0].at.isoformat(), records[3].at) == ("2024-01-05T00:00:00+00:00", None)


@pytest.mark.parametrize(
    ("form", "zone", "text", "at", "offset", "precision"),
    [
        ("iso", "", "2024-07-05 21:30", "2024-07-05T21:30:00+00:00", None, "min"),
        ("iso", "Europe/Berlin", "2024-07-05T21:30:00", "2024-07-05T19:30:00+00:00", 120, "s"),
        ("iso", "Europe/Berlin", "2024-07-05T21:30:00Z", "2024-07-05T21:30:00+00:00", 0, "s"),
        ("iso", "Europe/Berlin", "2024-07-05", "2024-07-05T00:00:00+00:00", None, "day"),
        ("unix", "", "1704493800.25", "2024-01-05T22:30:00+00:00", None, "s"),
        ("unix-ms", "", "1704493800250", "2024-01-05T22:30:00+00:00", None, "s"),
        (
            "%m/%d/%y %I:%M %p",
            "America/New_York",
            "1/5/24 9:30 PM",
            "2024-01-06T02:30:00+00:00",
            -300,
            "min",
        ),
        (
            "%d %b %Y %H:%M:%S %z",
            "",
            "5 Jan 2024 21:30:00 +0530",
            "2024-01-05T16:00:00+00:00",
            330,
            "s",
        ),
        ("unix", "", "1e400", None, None, None),
        ("unix", "", "99999999999999999", None, None, None),
        ("%Y", "", "0001", None, None, None),
    ],
)
def test_times_are_read_as_the_mapping_says(form, zone, text, at, offset, precision):  # noqa: PLR0917
    when = clock(form, zone)(text)
    assert (when and when.at.isoformat()) == at
    assert when is None or (when.offset, when.precision) == (offset, precision)


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("type = ", "the mapping is wrong: invalid value (at end of document)"),
        ('text = "text"', "the mapping is wrong: object missing required field `type`"),
        (PLAIN + 'txet = "x"', "the mapping is wrong: object contains unknown field `txet`"),
        (PLAIN + "title = 7", "the mapping is wrong: expected `str`, got `int` - at `$.title`"),
        (
            PLAIN.replace("note", "note.sent"),
            "the mapping is wrong: there is no type 'document.note.sent'",
        ),
        (PLAIN + 'title = "a\\nb"', "the mapping is wrong: a column is named in one line"),
        (PLAIN + f"{'x' * 5000} = 1", "the mapping is wrong: object contains unknown field `xxx"),
        (PLAIN + f"title = {'9' * 5000}", "the mapping is wrong: it is too long"),
        (PLAIN + 'delimiter = "::"', "the mapping is wrong: a delimiter is one character"),
        (
            PLAIN + 'time = { column = "text", format = "%d.%m." }',
            "the mapping is wrong: '%d.%m.' is no format of a time",
        ),
        (
            PLAIN + 'time = { column = "text", format = "%Q %Y" }',
            "the mapping is wrong: '%Q %Y' is no format of a time",
        ),
        (
            PLAIN + 'time = { column = "text", zone = "Berlin" }',
            "the mapping is wrong: there is no time zone 'Berlin'",
        ),
        (
            PLAIN + 'time = { column = "text", zone = "../x" }',
            "the mapping is wrong: there is no time zone '../x'",
        ),
    ],
)
def test_a_wrong_mapping_is_told_in_its_own_words(table, mapping, reason):
    records = table("text\nsecret\n", mapping)
    assert [record.locator.partition("/")[2] for record in records] == ["t.csv", "t.mapping.toml"]
    assert all(record.reason.startswith(reason) for record in records)
    assert all(len(record.reason) < 300 for record in records)


@pytest.mark.parametrize(
    ("content", "mapping", "name", "reason"),
    [
        (
            "text\none\n",
            PLAIN + 'author = "who"',
            "t.csv",
            "the mapping names the column 'who', which the table has not",
        ),
        (
            '{"text": "one"}',
            PLAIN + 'author = "who"',
            "t.jsonl",
            "the mapping names 'who', which no line has",
        ),
        (
            "text\none\n",
            PLAIN + 'encoding = "utf-9"',
            "t.csv",
            "the mapping names an encoding that there is not",
        ),
        ("\n\n", PLAIN, "t.csv", "there is no row in it"),
        ("text\n\n", PLAIN, "t.csv", "there is no row in it"),
        ("\n", PLAIN, "t.jsonl", "there is no row in it"),
    ],
)
def test_a_mapping_of_another_table_is_told(table, content, mapping, name, reason):
    assert [bad.reason for bad in table(content, mapping, name) if isinstance(bad, Bad)] == [reason]


def test_a_mapping_without_its_table_is_told(tmp_path):
    (tmp_path / "a.mapping.toml").write_text(PLAIN)
    assert [bad.reason for bad in read(tmp_path)] == [
        "there is no table of this name beside the mapping"
    ]


def test_rows_are_known_by_their_cells_and_equal_ones_by_their_number(table):
    rows = ["one,1", "two,2", "one,1"]
    ids = [item.native_id for item in table("text,x\n" + "\n".join(rows))]
    assert ids[2] == ids[0] + "~2"
    grown = [item.native_id for item in table("text,x\nzero,0\n" + "\n".join(rows))]
    assert (grown[1:], len(set(grown))) == (ids, 4)
    assert all(native_id.startswith("t:") for native_id in grown)


def test_the_mapping_of_a_folder_is_for_all_tables_within_that_have_none(tmp_path, gather):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "twinvault-mapping.toml").write_text(PLAIN)
    (tmp_path / "in" / "deep" / "a.csv").write_text("text\none\n")
    (tmp_path / "in" / "b.jsonl").write_text(json.dumps({"text": "two"}))
    (tmp_path / "in" / "c.csv").write_text("words\nthree\n")
    (tmp_path / "in" / "c.csv.mapping.toml").write_text(PLAIN.replace('"text"', '"words"'))
    (tmp_path / "d.csv").write_text("text\nfour\n")
    gathered = gather(tmp_path)
    assert sorted(gathered.texts) == ["one", "three", "two"]
    assert [name.rpartition("/")[2] for name in gathered.reasons] == ["d.csv"]


def test_a_table_larger_than_memory_is_read_by_the_row(tmp_path):
    (tmp_path / "t.mapping.toml").write_text(PLAIN)
    (tmp_path / "t.csv").write_text("text,x\n" + "".join(f"row {n},{n}\n" for n in range(200_000)))
    tree = grow(tmp_path)
    count = 0
    tracemalloc.start()
    for record in SOURCE.read(tree, None, frozenset()):
        count += isinstance(record, Item)
        if count == 3_000:
            break
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 9 << 20


def test_quotes_that_never_close_cost_no_more_than_their_length(table):
    records = table("text,x\n" + '"a,1\n' * 10_000)
    assert len(records) == 10_000
