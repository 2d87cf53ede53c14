from datetime import UTC, datetime

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.readers.headings import stated
from vault.collectors.sources.text import SOURCE
from vault.items import Bad, Item, Precision


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(path):
    records = list(SOURCE.read(grow(path), None, frozenset()))
    assert list(SOURCE.read(grow(path), None, frozenset())) == records
    return [record for record in records if isinstance(record, Item | Bad)]


def test_a_journal_is_cut_at_its_date_headings(tmp_path, gather):
    (tmp_path / "diary").mkdir()
    path = write(
        tmp_path / "diary",
        "journal.txt",
        "My journal\n\n2024-01-05\nWoke early. On 2024-01-04 I had slept badly.\n\n"
        "# Saturday, 6 January 2024\nRain.\nMore rain.\n\nJanuary 7, 2024 9:30 PM\nSun.\n\n2024-01-05\nAgain.\n",
    )
    items = gather(path).items
    assert [(i.type, i.text, i.native_id) for i in items] == [
        ("document.note", "My journal", "diary/journal.txt"),
        (
            "document.journal",
            "Woke early. On 2024-01-04 I had slept badly.",
            "diary/journal.txt#2024-01-05T00:00:00+00:00",
        ),
        ("document.journal", "Rain.\nMore rain.", "diary/journal.txt#2024-01-06T00:00:00+00:00"),
        ("document.journal", "Sun.", "diary/journal.txt#2024-01-07T21:30:00+00:00"),
        ("document.journal", "Again.", "diary/journal.txt#2024-01-05T00:00:00+00:00~2"),
    ]
    assert items[1].at == datetime(2024, 1, 5, tzinfo=UTC)
    assert items[1].precision == Precision.DAY
    assert items[3].precision == Precision.MINUTE
    assert {item.conversation for item in items} == {"diary/journal"}


@pytest.mark.parametrize(
    "heading",
    [
        "2024-01-05",
        "2024/1/5",
        "== 2024-01-05 ==",
        "2024-01-05 (Friday)",
        "2024-01-05: at sea",
        "2024-01-05T22:10",
        "**2024-01-05**",
        "2024年1月5日",
        "2024년 1월 5일 금요일",
        "5 January 2024",
        "Friday 5th January, 2024",
        "Friday the 5th of January 2024",
        "Jan 5, 2024",
        "Fri Jan 5, 2024",
        "5. Januar 2024",
        "Freitag, den 5. Jänner 2024",
        "Freitag, 05.01.2024",
        "Fr, 05.01.24 21:30 Uhr",
        "le 5 janvier 2024",
        "vendredi 5 janvier 2024 à 21h30",
        "5 de enero de 2024",
        "viernes, 5 de enero del 2024",
        "5 gennaio 2024",
        "venerdì 5º gennaio 2024, alle 21:30",
        "sexta-feira, 5 de janeiro de 2024",
        "5 de janeiro de 2024 (sexta-feira)",
        "vrijdag 5 januari 2024 om 21:30",
        "piątek, 5 stycznia 2024 r.",
        "5 stycznia 2024 godz. 21:30",
    ],
)
def test_a_date_in_any_of_its_forms_is_a_heading(tmp_path, heading):
    (item,) = read(write(tmp_path, "j.txt", f"{heading}\nwords\n"))
    assert (item.type, item.text) == ("document.journal", "words")
    assert item.at.date().isoformat() == "2024-01-05"


@pytest.mark.parametrize(
    "line",
    [
        "2024-01-05 was a good day, and so was the next.",
        "5 apples 2024",
        "2024-13-45",
        "Call 05.01.2024 or 06.01.2024",
        "12:30",
        "In January 2024",
        "Since 5 January 2024",
        "until 05.01.2024",
        "5 January",
        "Friday 05.01.",
    ],
)
def test_any_other_line_is_none(tmp_path, line):
    (item,) = read(write(tmp_path, "j.txt", f"{line}\nwords\n"))
    assert (item.type, item.text) == ("document.note", f"{line}\nwords")


@pytest.mark.parametrize("name", ["2024.txt", "Tagebuch 2024.txt", "2024/journal.txt"])
def test_a_file_of_one_year_lends_it_to_its_dates(tmp_path, name):
    text = (
        "5 January\none\nSa, 06.01.\ntwo\nJanuary 7\nthree\n1.5 litres\n10.12\n2025-01-08\nfour\n"
    )
    items = read(write(tmp_path, name, text).parent)
    assert [(item.at.date().isoformat(), item.text) for item in items] == [
        ("2024-01-05", "one"),
        ("2024-01-06", "two"),
        ("2024-01-07", "three\n1.5 litres\n10.12"),
        ("2025-01-08", "four"),
    ]


def test_the_order_of_numeric_headings_is_that_of_the_whole_file(tmp_path):
    items = read(write(tmp_path, "j.txt", "1/12/2024\none\n1/13/2024\ntwo\n"))
    assert [item.at.strftime("%m-%d") for item in items] == ["01-12", "01-13"]


@pytest.mark.parametrize(
    ("name", "type_", "at"),
    [
        ("2024-01-05 evening.txt", "document.journal", datetime(2024, 1, 5, tzinfo=UTC)),
        ("2024_01_05.txt", "document.journal", datetime(2024, 1, 5, tzinfo=UTC)),
        ("20240105.txt", "document.journal", datetime(2024, 1, 5, tzinfo=UTC)),
        ("Freitag, 5. Januar 2024.txt", "document.journal", datetime(2024, 1, 5, tzinfo=UTC)),
        ("5 stycznia 2024.txt", "document.journal", datetime(2024, 1, 5, tzinfo=UTC)),
        ("bill of 2024-01-05.txt", "document.note", datetime(2024, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_file_named_for_a_day_is_the_entry_of_that_day(tmp_path, name, type_, at):
    (item,) = read(write(tmp_path, name, "Rain."))
    assert (item.type, item.at, item.precision) == (type_, at, Precision.DAY)


def test_any_other_text_is_a_note(tmp_path):
    (item,) = read(write(tmp_path, "list.txt", "eggs\r\nmilk\x00"))
    assert (item.type, item.text, item.precision) == ("document.note", "eggs\nmilk", Precision.FILE)


@pytest.mark.parametrize("text", [" \n\n", "2024-01-05\n\n2024-01-06\n"])
def test_a_text_of_nothing_is_told(tmp_path, text):
    assert read(write(tmp_path, "a.txt", text)) == [
        Bad(locator="a.txt", reason="there is no text in it")
    ]


@pytest.mark.parametrize(
    ("phrase", "at", "offset"),
    [
        ("@January 5, 2024 9:30 PM", "2024-01-05T21:30:00+00:00", None),
        ("January 5, 2024 12:05 AM (GMT+5:30)", "2024-01-04T18:35:00+00:00", 330),
        ("January 5, 2024 → January 7, 2024", "2024-01-05T00:00:00+00:00", None),
        ("2024/01/05 21:30", "2024-01-05T21:30:00+00:00", None),
        ("5. Januar 2024 21:30", "2024-01-05T21:30:00+00:00", None),
        ("25/01/2024", "2024-01-25T00:00:00+00:00", None),
        ("01/25/2024", "2024-01-25T00:00:00+00:00", None),
        ("05/01/2024", None, None),
        ("05/01", None, None),
        ("soon", None, None),
    ],
)
def test_a_stated_time_is_read_where_it_can_mean_only_one(phrase, at, offset):
    when = stated(phrase)
    assert (when and when.at.isoformat(), when and when.offset) == (at, offset)


def test_hostile_lines_cost_no_more_than_their_length(tmp_path):
    lines = ["5 " * 60, "Friday " * 17, "1/" * 60, "5 January 2024 " * 8, "(" * 119, "2024" * 29]
    text = "\n".join(lines * 2000)
    (item,) = read(write(tmp_path, "j.txt", text))
    assert item.type == "document.note"
