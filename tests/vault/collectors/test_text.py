from datetime import UTC, datetime

import pytest

from vault.items import Precision


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_journal_is_cut_at_its_date_headings(tmp_path, gather):
    path = write(
        tmp_path,
        "journal.txt",
        "My journal\n\n2024-01-05\nWoke early. On 2024-01-04 I had slept badly.\n\n"
        "# Saturday, 6 January 2024\nRain.\nMore rain.\n\nJanuary 7, 2024 21:30\nSun.\n\n2024-01-05\nAgain.\n",
    )
    gathered = gather(path)
    assert [(i.type, i.text, i.native_id) for i in gathered.items] == [
        ("document.note", "My journal", "journal.txt"),
        (
            "document.journal",
            "Woke early. On 2024-01-04 I had slept badly.",
            "journal.txt#2024-01-05T00:00:00+00:00",
        ),
        ("document.journal", "Rain.\nMore rain.", "journal.txt#2024-01-06T00:00:00+00:00"),
        ("document.journal", "Sun.", "journal.txt#2024-01-07T21:30:00+00:00"),
        ("document.journal", "Again.", "journal.txt#2024-01-05T00:00:00+00:00~2"),
    ]
    assert gathered.items[1].at == datetime(2024, 1, 5, tzinfo=UTC)
    assert gathered.items[1].precision == Precision.DAY
    assert gathered.items[3].precision == Precision.MINUTE
    assert {item.conversation for item in gathered.items} == {"journal"}


@pytest.mark.parametrize(
    ("heading", "day"),
    [
        ("2024-01-05", "2024-01-05"),
        ("2024/1/5", "2024-01-05"),
        ("== 2024-01-05 ==", "2024-01-05"),
        ("2024-01-05 (Friday)", "2024-01-05"),
        ("2024-01-05: at sea", "2024-01-05"),
        ("5 January 2024", "2024-01-05"),
        ("Friday 5th January, 2024", "2024-01-05"),
        ("Jan 5, 2024", "2024-01-05"),
        ("5. Januar 2024", "2024-01-05"),
        ("Freitag, 05.01.2024", "2024-01-05"),
        ("le 5 janvier 2024", "2024-01-05"),
        ("5 de enero de 2024", "2024-01-05"),
        ("5 gennaio 2024", "2024-01-05"),
        ("2024-01-05T22:10", "2024-01-05"),
        ("**2024-01-05**", "2024-01-05"),
        ("2024-01-05 was a good day, and so was the next.", None),
        ("5 apples 2024", None),
        ("2024-13-45", None),
        ("Call 05.01.2024 or 06.01.2024", None),
        ("12:30", None),
        ("In January 2024", None),
    ],
)
def test_what_counts_as_a_date_heading(tmp_path, gather, heading, day):
    (item,) = gather(write(tmp_path, "j.txt", f"{heading}\nwords\n")).items
    found = item.at.strftime("%Y-%m-%d") if item.type == "document.journal" else None
    assert found == day


def test_the_order_of_numeric_headings_is_that_of_the_whole_file(tmp_path, gather):
    text = "1/12/2024\none\n1/13/2024\ntwo\n"
    items = gather(write(tmp_path, "j.txt", text)).items
    assert [item.at.strftime("%m-%d") for item in items] == ["01-12", "01-13"]


def test_a_file_named_for_a_day_is_the_entry_of_that_day(tmp_path, gather):
    (item,) = gather(write(tmp_path, "2024-01-05 evening.txt", "Rain.")).items
    assert (item.type, item.at.day, item.precision) == ("document.journal", 5, Precision.DAY)


def test_any_other_text_is_a_note(tmp_path, gather):
    (item,) = gather(write(tmp_path, "list.txt", "eggs\r\nmilk\x00")).items
    assert (item.type, item.text, item.precision) == ("document.note", "eggs\nmilk", Precision.FILE)


def test_a_text_of_nothing_is_told(tmp_path, gather):
    gathered = gather(write(tmp_path, "a.txt", " \n\n"))
    assert gathered.reasons == {"a.txt": "there is no text in it"}
