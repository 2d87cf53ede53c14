import json
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources import whatsapp
from vault.collectors.sources.whatsapp import SOURCE
from vault.items import Agent, Bad, Content, Item, Precision, Progress

ANDROID = """13/01/24, 21:05 - Messages and calls are end-to-end encrypted. Tap to learn more.
13/01/24, 21:05 - Ada Lovelace: Are you awake?
13/01/24, 21:06 - Charles Babbage: Always: the engine never sleeps
and neither do I
14/01/24, 00:01 - Ada Lovelace: <Media omitted>
14/01/24, 00:01 - Ada Lovelace: IMG-20240114-WA0001.jpg (file attached)
look at this
14/01/24, 00:02 - Charles Babbage: This message was deleted
14/01/24, 00:03 - Ada Lovelace: ok
14/01/24, 00:03 - Ada Lovelace: ok
"""


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def records(path, me=()):
    tree = grow(path)
    part = tree.sub([file for file in tree.files if SOURCE.detect(tree.sub([file]))])
    found = SOURCE.read(part, None, frozenset(name.casefold() for name in me))
    return [record for record in found if not isinstance(record, Progress)]


def items(path, me=()):
    return [record for record in records(path, me) if isinstance(record, Item)]


def texts(path):
    return [item.text for item in items(path)]


def test_an_android_chat_is_exactly_these_messages(tmp_path, gather):
    path = write(tmp_path, "WhatsApp Chat with Charles Babbage.txt", ANDROID)
    gathered = gather(path, ["Ada Lovelace"])
    assert not gathered.bad
    assert [(item.author.name, item.text) for item in gathered.items] == [
        ("Ada Lovelace", "Are you awake?"),
        ("Charles Babbage", "Always: the engine never sleeps\nand neither do I"),
        ("Ada Lovelace", ""),
        ("Ada Lovelace", "look at this"),
        ("Ada Lovelace", "ok"),
        ("Ada Lovelace", "ok"),
    ]
    first = gathered.items[0]
    assert first.type == "message.chat.direct.sent"
    assert gathered.items[1].type == "message.chat.direct.received"
    assert first.at == datetime(2024, 1, 13, 21, 5, tzinfo=UTC)
    assert (first.offset, first.precision, first.assumed) == (None, Precision.MINUTE, True)
    assert first.conversation == "Charles Babbage"
    assert first.to == (Agent(id="name:Charles Babbage", name="Charles Babbage"),)
    assert len({item.native_id for item in gathered.items}) == 6, "the same words twice are two"


def test_ids_are_the_same_at_every_reading_and_in_a_longer_export(tmp_path):
    name = "WhatsApp Chat with Charles Babbage.txt"
    before = items(write(tmp_path, name, ANDROID))
    later = ANDROID + "15/01/24, 10:00 - Charles Babbage: new\n"
    after = items(write(tmp_path, name, later))
    assert [item.native_id for item in after][:6] == [item.native_id for item in before]


def test_an_iphone_chat_with_marks_and_seconds_in_its_zip_with_media(tmp_path, gather):
    chat = (
        "[1/2/24, 9:15:07\u202fPM] Book Club: \u200eMessages and calls are end-to-end encrypted.\n"
        "[1/2/24, 9:15:07\u202fPM] Book Club: \u200eAda created this group\n"
        "[1/13/24, 12:00:09\u202fAM] Ada: midnight\n"
        "\u200e[1/13/24, 12:05:00\u202fPM] ~\u202fGrace: \u200e<attached: 00000012-PHOTO.jpg>\n"
        "[1/13/24, 12:06:00\u202fPM] Alan: noon \u200e<This message was edited>\n"
        "[1/13/24, 12:07:00\u202fPM] Alan: \u200eimage omitted\n"
        "[1/13/24, 12:08:00\u202fPM] \u202a+44\u00a07700\u00a0900123\u202c: hello\n"
    )
    path = tmp_path / "WhatsApp Chat - Book Club.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", chat)
        archive.writestr("00000012-PHOTO.jpg", b"\xff\xd8 picture")
        archive.writestr("00000013-UNUSED.jpg", b"\xff\xd8 other")
    gathered = gather(path, ["ada"])
    items = gathered.items
    assert [(item.author.id, item.text, item.at.strftime("%m-%d %H:%M:%S")) for item in items] == [
        ("name:Ada", "midnight", "01-13 00:00:09"),
        ("name:Grace", "", "01-13 12:05:00"),
        ("name:Alan", "noon", "01-13 12:06:00"),
        ("name:Alan", "", "01-13 12:07:00"),
        ("tel:+447700900123", "hello", "01-13 12:08:00"),
    ]
    assert {item.conversation for item in items} == {"Book Club"}
    assert items[0].type == "message.chat.group.sent"
    assert items[4].type == "message.chat.group.received"
    assert items[1].attachments[0].sha256 == sha256(b"\xff\xd8 picture").hexdigest()
    assert list(gathered.reasons) == ["WhatsApp Chat - Book Club.zip!00000013-UNUSED.jpg"]


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (["13/01/24, 10:00 - A: x", "14/01/24, 10:00 - B: y"], "2024-01-13"),
        (["1/13/24, 10:00 AM - A: x", "1/14/24, 10:00 AM - B: y"], "2024-01-13"),
        (["2024-01-13, 10:00 - A: x", "2024-01-14, 10:00 - B: y"], "2024-01-13"),
        (["2024/1/13, 10:00 - A: x", "2024/1/14, 10:00 - B: y"], "2024-01-13"),
        (
            ["24/01/13, 10:00 - A: x", "24/01/31, 10:00 - B: y", "24/02/01, 10:00 - B: z"],
            "2024-01-13",
        ),
        (["13.01.24, 10:00 - A: x", "14.01.24, 10:00 - B: y"], "2024-01-13"),
        (["[13.01.2024, 10:00:00] A: x", "[14.01.2024, 10:00:00] B: y"], "2024-01-13"),
        (["13-01-2024 10:00 - A: x", "14-01-2024 10:00 - B: y"], "2024-01-13"),
        # No day beyond 12: the order in which time does not run backwards.
        (
            ["02/01/24, 10:00 - A: x", "03/01/24, 10:00 - B: y", "01/02/24, 10:00 - B: z"],
            "2024-01-02",
        ),
        (
            ["1/2/24, 10:00 AM - A: x", "1/3/24, 10:00 AM - B: y", "2/1/24, 10:00 AM - B: z"],
            "2024-01-02",
        ),
        # Nothing decides: the way of most of the world, unless it looks American.
        (["02/01/24, 22:00 - A: x", "02/01/24, 23:00 - B: y"], "2024-01-02"),
        (["1/2/24, 10:00 PM - A: x", "1/2/24, 11:00 PM - B: y"], "2024-01-02"),
    ],
)
def test_the_order_of_dates_is_inferred_from_the_whole_file(tmp_path, lines, day):
    found = items(write(tmp_path, "chat.txt", "\n".join(lines)))
    assert len(found) == len(lines)
    assert found[0].at.strftime("%Y-%m-%d") == day


@pytest.mark.parametrize(
    ("clock", "read"),
    [
        ("12:05 AM", "00:05"),
        ("12:05 PM", "12:05"),
        ("9:05 p. m.", "21:05"),
        ("9:05 p.m.", "21:05"),
        ("9:05\u202fpm", "21:05"),
        ("21:05", "21:05"),
        ("21.05", "21:05"),
        ("오후 9:05", "21:05"),
        ("上午9:05", "09:05"),
    ],
)
def test_clocks_of_twelve_and_of_24_hours(tmp_path, clock, read):
    text = f"13/01/24, {clock} - A: x\n14/01/24, {clock} - B: y\n"
    assert items(write(tmp_path, "chat.txt", text))[0].at.strftime("%H:%M") == read


@pytest.mark.parametrize(
    "placeholder",
    [
        "<Media omitted>",
        "<Medien ausgeschlossen>",
        "<Médias omis>",
        "<Multimedia omitido>",
        "<Media omessi>",
        "<Arquivo de mídia oculto>",
        "<Media weggelaten>",
        "<Без медиафайлов>",
        "<メディアなし>",
        "\u200eimage omitted",
        "\u200eBild weggelassen",
        "\u200evidéo absente",
        "\u200e<Anhang: 1-PHOTO.jpg>",
        "VID-1.mp4 (Datei angehängt)",
    ],
)
def test_placeholders_for_media_are_nobodys_words(tmp_path, placeholder):
    text = f"13/01/24, 10:00 - A: {placeholder}\n13/01/24, 10:01 - B: seen\n"
    assert texts(write(tmp_path, "chat.txt", text)) == ["", "seen"]


def test_nobody_known_as_the_owner_makes_everything_received(tmp_path):
    found = items(write(tmp_path, "WhatsApp Chat with Charles Babbage.txt", ANDROID))
    assert {item.type for item in found} == {"message.chat.direct.received"}


def test_a_chat_without_a_telling_name_is_called_after_the_other(tmp_path):
    found = items(write(tmp_path, "_chat.txt", ANDROID), ["Ada Lovelace"])
    assert {item.conversation for item in found} == {"Charles Babbage"}


def test_three_people_are_a_group_and_two_in_a_group_stay_one(tmp_path):
    three = "13/01/24, 10:00 - A: x\n13/01/24, 10:01 - B: y\n13/01/24, 10:02 - C: z\n"
    two = '13/01/24, 09:00 - A created group "Us: all"\n13/01/24, 10:00 - A: x\n13/01/24, 10:01 - B: y\n'
    for text in (three, two):
        found = items(write(tmp_path, "chat.txt", text))
        assert {item.type for item in found} == {"message.chat.group.received"}
        assert '"' not in "".join(item.author.name for item in found)


def test_a_date_that_does_not_exist_is_bad_and_the_rest_is_read(tmp_path):
    text = "13/01/24, 10:00 - A: x\n31/02/24, 10:00 - B: y\n14/01/24, 25:99 - B: y\n15/01/24, 10:00 - A: z\n"
    path = write(tmp_path, "chat.txt", text)
    assert texts(path) == ["x", "z"]
    bad = {one.locator: one.reason for one in records(path) if isinstance(one, Bad)}
    assert bad == {
        "chat.txt#23": "there is no such date",
        "chat.txt#46": "there is no such date",
    }


@pytest.mark.parametrize(
    "deleted",
    [
        "This message was deleted",
        "You deleted this message.",
        "\u200eDiese Nachricht wurde gelöscht.",
        "Dit bericht is verwijderd.",
        "Bu mesaj silindi",
        "null",
    ],
)
def test_deleted_messages_are_nobodys_words(tmp_path, deleted):
    text = f"13/01/24, 10:00 - A: {deleted}\n13/01/24, 10:01 - B: seen\n13/01/24, 10:02 - A: so\n"
    assert texts(write(tmp_path, "chat.txt", text)) == ["seen", "so"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("so it is <This message was edited>", "so it is"),
        ("so it is \u200e<Diese Nachricht wurde bearbeitet.>", "so it is"),
        ("IMG-20240114-WA0001.jpg (in a language that nobody knows)\nlook", "look"),
        ("\u200e<hindi word: 00000012-PHOTO.jpg>", ""),
        ("the image omitted from the book", "the image omitted from the book"),
        ("a < b (mostly)", "a < b (mostly)"),
        ("null and void", "null and void"),
    ],
)
def test_what_the_program_adds_is_taken_off_and_words_are_kept(tmp_path, said, meant):
    text = f"13/01/24, 10:00 - A: {said}\n13/01/24, 10:01 - B: seen\n"
    assert texts(write(tmp_path, "chat.txt", text)) == [meant, "seen"]


def test_many_chats_in_one_archive_keep_their_names_and_their_media(tmp_path):
    for name in ("Ada", "Grace"):
        with zipfile.ZipFile(tmp_path / f"WhatsApp Chat - {name}.zip", "w") as archive:
            line = "[13.01.24, 10:00:00] {}: \u200e<attached: 00000001-PHOTO.jpg>\n"
            archive.writestr("_chat.txt", line.format(name) + line.format("Me"))
            archive.writestr("00000001-PHOTO.jpg", f"{name}'s picture")
    whole = tmp_path / "all.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for name in ("Ada", "Grace"):
            archive.write(tmp_path / f"WhatsApp Chat - {name}.zip", f"WhatsApp Chat - {name}.zip")
    found = records(whole, ["me"])
    shown = {
        item.conversation: item.attachments[0].sha256 for item in found if isinstance(item, Item)
    }
    assert shown == {
        name: sha256(f"{name}'s picture".encode()).hexdigest() for name in ("Ada", "Grace")
    }
    assert next(record.data for record in found if isinstance(record, Content)) == b"Ada's picture"


def test_a_photo_of_another_chat_is_not_shown(tmp_path):
    (tmp_path / "Ada").mkdir()
    (tmp_path / "Grace").mkdir()
    write(tmp_path / "Grace", "00000001-PHOTO.jpg", "Grace's picture")
    text = "[13.01.24, 10:00:00] Ada: \u200e<attached: 00000001-PHOTO.jpg>\n" * 2
    write(tmp_path / "Ada", "_chat.txt", text)
    assert [item.attachments for item in items(tmp_path)] == [(), ()]


def test_a_chat_in_pieces_reads_as_in_one(tmp_path, monkeypatch):
    text = ANDROID * 20
    path = write(tmp_path, "chat.txt", text)
    whole = records(path)
    monkeypatch.setattr(whatsapp, "_BLOCK", 50)
    assert records(path) == whole
    assert len({item.native_id for item in whole}) == 120


@pytest.mark.parametrize("name", ["cm-ddmmyy_24hrs.txt", "cm-mmddyyyy_12hrs.txt"])
def test_a_sample_of_another_program_is_exactly_what_that_one_expects(shared, name):
    folder = shared / "exports/whatsapp"
    expected = json.loads((folder / "cm-target.json").read_text(encoding="utf-8"))
    found = [
        (item.at.isoformat()[:19], item.author.name, item.text.replace("\n", " "))
        for item in items(folder / name)
        if item.text != "."  # which that program overlooks
    ]
    assert found == [
        (one["timestamp"], one["author"], one["message"]) for one in reversed(expected)
    ]
