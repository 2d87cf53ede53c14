"""The timeline: everything by time, page after page, and what is from when."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from console.pages.months import chart
from projections.chronicle import UNDATED, Counted
from tests.helpers import CHAT

CHATTED = "message.chat.direct"


@pytest.fixture
def chatted(site, chat):
    """A site whose vault holds a chat of eight messages."""
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    return site


def told(answer):
    """Return what a page says, without markup and without what stands before the items."""
    text = unescape(re.sub(r"<[^>]+>", " ", answer.text.partition('class="leaf"')[2]))
    return " ".join(text.split())


def links(text):
    return [unescape(one) for one in re.findall(r'class="line" href="([^"]+)"', text)]


def many(folder, count, *, name="WhatsApp Chat with Priya Nair.txt"):
    """Write a chat of so many messages, one a minute; the last is the newest."""
    begun = datetime(2024, 3, 30, 23, 0, tzinfo=UTC)
    lines = (
        f"{begun + timedelta(minutes=n):%d/%m/%Y, %H:%M} - Priya Nair: the boat number {n}\n"
        for n in range(count)
    )
    path = folder / name
    path.write_text("".join(lines))
    return path


def test_an_empty_vault_leads_to_a_first_source(site):
    page = site.get("/timeline").text
    assert "Nothing is here yet" in page
    assert 'href="/sources/add"' in page


def test_items_stand_by_time_the_newest_first(chatted):
    page = told(chatted.get("/timeline"))
    first, last = page.index("six leeks"), page.index("Are you coming on Friday?")
    assert first < last
    assert "You to Priya Nair" in page
    assert page.index("Saturday, 4 February 2023") < page.index("Wednesday, 1 February 2023")


def test_every_item_comes_once_page_after_page_with_htmx_and_without(site, tmp_path):
    site.command.ok("add", str(many(tmp_path, 130)))
    for get in (site.get, site.part):
        found, path = [], "/timeline"
        while path:
            text = get(path).text
            found += links(text)
            more = re.search(r'class="more"><a class="btn" href="([^"]+)"', text)
            path = unescape(more[1]) if more else ""
        assert len(found) == len(set(found)) == 130
    newest = site.command.ok("show", found[0].rpartition("/")[2])["text"]
    assert newest == "the boat number 129"


def test_a_part_goes_on_where_the_day_began_above(site, tmp_path):
    site.command.ok("add", str(many(tmp_path, 130)))
    more = re.search(r'class="more"><a class="btn" href="([^"]+)"', site.get("/timeline").text)
    part = site.part(unescape(more[1])).text
    assert "<html" not in part
    assert part.index('class="line"') < (part.index('class="day"') if "day" in part else len(part))
    days = re.findall(r'<h2 class="day">([^<]+)', site.get("/timeline").text + part)
    assert len(days) == len(set(days))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("type=message", 8),
        (f"type={CHATTED}.sent", 4),
        ("type=message.chat&source=whatsapp", 8),
        ("since=2023-02-02&until=2023-02-04", 4),
        ("until=2023-02-02", 2),
        ("since=2023-02-05", 0),
    ],
)
def test_what_is_chosen_is_shown_and_nothing_else(chatted, asked, expected):
    page = chatted.get(f"/timeline?{asked}")
    assert page.status_code == 200
    assert len(links(page.text)) == expected
    if not expected:
        assert "Nothing of that kind is here" in page.text


def test_a_name_is_sent_and_an_id_stands_in_the_address(chatted, chat):
    chat.with_name("WhatsApp Chat with Tom Baker.txt").write_text(
        CHAT.replace("Priya Nair", "Tom Baker")
    )
    chatted.command.ok("add", str(chat.with_name("WhatsApp Chat with Tom Baker.txt")))
    answer = chatted.post("/timeline", {"kind": "message", "name": "priya"})
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert re.fullmatch(r"/timeline\?type=message&person=[0-9a-f]+", where)
    page = chatted.get(where)
    assert "With Priya Nair" in page.text
    assert len(links(page.text)) == 8
    assert len(links(chatted.get("/timeline").text)) == 16


def test_of_several_people_who_are_called_so_one_is_chosen(site, tmp_path):
    for name in ("Tom Baker", "Tom Stone"):
        path = tmp_path / f"WhatsApp Chat with {name}.txt"
        path.write_text(CHAT.replace("Priya Nair", name))
        site.command.ok("add", str(path), "--me", "Ada Quill")
    page = site.post("/timeline", {"name": "Tom"})
    assert page.status_code == 200
    assert "2 people are called so" in page.text
    first, second = links(page.text)
    assert len(links(site.get(first).text)) == len(links(site.get(second).text)) == 8
    assert first != second


def test_the_conversation_of_an_item_is_named_by_its_id(chatted, chat):
    other = chat.with_name("WhatsApp Chat with Tom Baker.txt")
    other.write_text(CHAT.replace("Priya Nair", "Tom Baker"))
    chatted.command.ok("add", str(other))
    newest = links(chatted.get("/timeline").text)[0].rpartition("/")[2]
    page = chatted.get(f"/timeline?conversation={newest}")
    assert len(links(page.text)) == 8
    with_whom = chatted.command.ok("show", newest)["conversation"]
    assert f"In {with_whom}" in page.text


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("person=Priya%20Nair", 400),
        ("before=yesterday", 400),
        ("before=999999999999999999.1", 400),
        ("since=2023-02-30", 400),
        ("month=2023-13", 400),
        ("month=0000", 400),
        ("month=2023-W05", 400),
        ("type=health", 400),
        ("type=nothing", 400),
        ("type=document", 404),
        ("source=nowhere", 404),
        ("person=00ff", 404),
        ("conversation=none-1", 404),
    ],
)
def test_what_cannot_be_asked_gets_a_plain_page(chatted, asked, status):
    page = chatted.get(f"/timeline?{asked}")
    assert page.status_code == status
    assert "That did not work" in page.text
    assert "Traceback" not in page.text


def test_nobody_who_is_called_so_gets_a_plain_page(chatted):
    page = chatted.post("/timeline", {"name": "Nobody Atall"})
    assert page.status_code == 404
    assert "Nobody here is called that" in page.text


def test_the_picture_has_a_bar_for_each_month_and_the_same_in_numbers(site, tmp_path):
    site.command.ok("add", str(many(tmp_path, 60 * 50)))
    page = site.get("/timeline").text
    rows = re.findall(r'<th scope="row"><a href="([^"]+)">([^<]+)</a></th>', page)
    assert [name for _, name in rows] == ["April 2024", "March 2024"]
    april = site.get(unescape(rows[0][0])).text
    assert "the boat number 2999" in april
    counts = [int(n.replace(",", "")) for n in re.findall(r'data-l="All">([\d,]+)<', page)]
    assert sum(counts) == 3000
    assert page.count("<title>March 2024: ") == 1


@pytest.mark.parametrize(
    ("zone", "months"),
    [
        ("UTC", {"April 2024": 1, "March 2024": 3}),
        ("Pacific/Kiritimati", {"April 2024": 3, "March 2024": 1}),
        ("America/Los_Angeles", {"March 2024": 4}),
    ],
)
def test_months_follow_the_clock_by_which_days_are_headed(site, tmp_path, here, zone, months):
    times = ("31/03/2024, 06:00", "31/03/2024, 12:00", "31/03/2024, 23:30", "01/04/2024, 05:30")
    path = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    path.write_text("".join(f"{at} - Priya Nair: the boat\n" for at in times))
    site.command.ok("add", str(path))
    here(zone)
    page = site.get("/timeline").text
    rows = re.findall(r'<th scope="row"><a href="([^"]+)">([^<]+)</a></th>', page)
    counts = re.findall(r'data-l="All">(\d+)<', page)
    assert dict(zip((name for _, name in rows), map(int, counts), strict=True)) == months
    for href, name in rows:
        shown = site.get(unescape(href)).text
        assert len(links(shown)) == months[name]
        assert all(name in day for day in re.findall(r'<h2 class="day">([^<]+)', shown))
        assert f"In {name}" in shown
    assert f"from {list(months)[-1]}" in site.get("/").text


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_what_states_a_day_alone_stands_on_that_day_wherever_it_is_looked_at(
    site, tmp_path, here, zone
):
    (tmp_path / "2024-05-14 boat.md").write_text("Two coats of paint for the boat.\n")
    site.command.ok("add", str(tmp_path / "2024-05-14 boat.md"))
    here(zone)
    shown = site.get("/timeline").text
    assert re.findall(r'<h2 class="day">([^<]+)', shown) == ["Tuesday, 14 May 2024"]


def test_a_month_is_narrowed_by_days_and_both_stay_when_more_is_asked(chatted):
    assert len(links(chatted.get("/timeline?month=2023-02").text)) == 8
    assert len(links(chatted.get("/timeline?month=2023").text)) == 8
    assert not links(chatted.get("/timeline?month=2023-03").text)
    narrowed = chatted.get("/timeline?month=2023-02&until=2023-02-02")
    assert len(links(narrowed.text)) == 2
    fields = dict(re.findall(r'name="(month|until)" value="([^"]*)"', narrowed.text))
    answer = chatted.post("/timeline", fields | {"kind": "message"})
    where = answer.headers["location"]
    assert where == "/timeline?type=message&until=2023-02-02&month=2023-02"
    assert len(links(chatted.get(where).text)) == 2


def counted(*rows):
    return [Counted(month, type_, "phone", items) for month, type_, items in rows]


def test_a_long_life_is_drawn_by_years_and_months_between_are_not_left_out():
    drawn = chart(counted((201511, "message.sms.sent", 5), (202002, "message.sms.sent", 10)))
    assert drawn.by_year
    assert [column.name for column in drawn.columns] == [str(year) for year in range(2015, 2021)]
    assert [bar.items for bar in drawn.rows[0].bars] == [5, 0, 0, 0, 0, 10]
    assert [bar.height for bar in drawn.rows[0].bars] == [20, 0, 0, 0, 0, 40]
    year = chart(
        counted((201511, "message.sms.sent", 5), (202002, "message.sms.sent", 10)),
        drawn.columns[5].since,
        drawn.columns[5].until,
    )
    assert [column.name for column in year.columns] == ["February 2020"]
    assert f"{year.columns[0].until}" == "2020-03-01"


def test_rare_kinds_are_drawn_together_and_little_is_not_nothing():
    kinds = ["message.sms", "message.email", "message.chat", "document.note", "post.social"]
    rare = [(202101, "calendar.event", 1), (202101, "contact.card", 2), (202102, "code.commit", 1)]
    drawn = chart(counted(*((202101, kind, 1000) for kind in kinds), *rare, (UNDATED, "post", 7)))
    assert [row.items for row in drawn.rows] == [1000] * 5 + [4]
    assert drawn.rows[-1].kind.name == "Everything else"
    assert [bar.items for bar in drawn.rows[-1].bars] == [3, 1]
    assert drawn.undated == 7
    assert chart(counted((UNDATED, "post", 7))) is None
    few = chart(counted((202101, "post", 1), (202102, "post", 1000)))
    assert few.rows[0].bars[0].height == 2
