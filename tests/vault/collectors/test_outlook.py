"""Outlook: `.msg` files written by a small writer of compound files, and a real `.pst`."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.readers.mail import pst as mailboxes
from vault.collectors.readers.mail.rtf import decompress, unwrapped
from vault.collectors.readers.tree import Unreadable
from vault.collectors.sources.mbox import SOURCE as MBOX
from vault.collectors.sources.outlook import SOURCE
from vault.items import Agent, Bad, Content, Item

ME = frozenset({"ada@example.org"})
FREE, END = 0xFFFFFFFF, 0xFFFFFFFE


def padded(data: bytes, size: int) -> bytes:
    return data + b"\0" * (-len(data) % size)


def chain(table: list[int], sectors: int) -> int:
    """Add a chain of so many sectors to a table; return where it begins."""
    start = len(table)
    table += [*range(start + 1, start + sectors), END] if sectors else []
    return start


class Compound:
    """Writes a compound file (MS-CFB): streams below storages, small ones in a stream of theirs."""

    def __init__(self) -> None:
        # Each entry: name, kind, the next beside it, the first below it, begin, size.
        self.entries: list[list] = [["Root Entry", 5, FREE, FREE, END, 0]]
        self.places: dict[tuple[str, ...], int] = {(): 0}
        self.last_below: dict[int, int] = {}
        self.sectors, self.small = b"", b""
        self.fat: list[int] = []
        self.mini_fat: list[int] = []

    def add(self, path: tuple[str, ...], data: bytes) -> None:
        for depth in range(1, len(path)):
            if path[:depth] not in self.places:
                self._entry(path[:depth], [1, FREE, FREE, 0, 0])
        if len(data) < 4096:
            begin = chain(self.mini_fat, -(-len(data) // 64))
            self.small += padded(data, 64)
        else:
            begin = self._store(data)
        self._entry(path, [2, FREE, FREE, begin, len(data)])

    def _entry(self, path: tuple[str, ...], facts: list[int]) -> None:
        number = self.places[path] = len(self.entries)
        self.entries.append([path[-1], *facts])
        above = self.places[path[:-1]]
        if above in self.last_below:
            self.entries[self.last_below[above]][2] = number
        else:
            self.entries[above][3] = number
        self.last_below[above] = number

    def _store(self, data: bytes) -> int:
        self.sectors += padded(data, 512)
        return chain(self.fat, -(-len(data) // 512))

    def encoded(self) -> bytes:
        size = len(self.small)
        self.entries[0][4:] = [self._store(self.small) if size else END, size]
        directory = b""
        for name, kind, beside, below, begin, length in self.entries:
            letters = name.encode("utf-16-le")
            directory += letters.ljust(64, b"\0") + struct.pack("<HBB", len(letters) + 2, kind, 1)
            directory += struct.pack("<III", FREE, beside, below) + bytes(36)
            directory += struct.pack("<IQ", begin, length)
        directory_at = self._store(directory)
        mini = struct.pack(f"<{len(self.mini_fat)}I", *self.mini_fat)
        mini_at = self._store(mini + b"\xff" * (-len(mini) % 512)) if mini else END
        count = next(n for n in range(1, 100) if len(self.fat) + n <= n * 128)
        fat_at = len(self.fat)
        fat = [*self.fat, *[0xFFFFFFFD] * count]
        fat += [FREE] * (count * 128 - len(fat))
        header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
        header += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
        header += struct.pack("<6I", 0, count, directory_at, 0, 4096, mini_at)
        header += struct.pack("<3I", -(-len(mini) // 512), END, 0)
        header += struct.pack("<109I", *(fat_at + n if n < count else FREE for n in range(109)))
        return header + self.sectors + struct.pack(f"<{len(fat)}I", *fat)


@dataclass
class Msg:
    """A message as Outlook writes it: properties by number, recipients, attachments."""

    properties: dict[int, str | bytes | int | datetime]
    recipients: list[dict[int, str | bytes | int | datetime]] = field(default_factory=list)
    attachments: list[dict] = field(default_factory=list)

    def streams(self, path: tuple[str, ...] = (), header: int = 32) -> dict:
        found = written(self.properties, path, header)
        for number, one in enumerate(self.recipients):
            found |= written(one, (*path, f"__recip_version1.0_#{number:08X}"), 8)
        for number, one in enumerate(self.attachments):
            inside = (*path, f"__attach_version1.0_#{number:08X}")
            inner = one.get(0x3701)
            if isinstance(inner, Msg):
                plain = {tag: value for tag, value in one.items() if tag != 0x3701}
                found |= written(plain, inside, 8)
                found |= inner.streams((*inside, "__substg1.0_3701000D"), 24)
            else:
                found |= written(one, inside, 8)
        return found

    def encoded(self) -> bytes:
        file = Compound()
        for path, data in self.streams().items():
            file.add(path, data)
        return file.encoded()


def written(properties, path, header):
    fixed = b""
    found = {}
    for tag, value in properties.items():
        if isinstance(value, str):
            found[(*path, f"__substg1.0_{tag:04X}001F")] = value.encode("utf-16-le")
        elif isinstance(value, bytes):
            found[(*path, f"__substg1.0_{tag:04X}0102")] = value
        elif isinstance(value, int):
            fixed += struct.pack("<HHIQ", 3, tag, 6, value)
        else:
            ticks = int((value - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
            fixed += struct.pack("<HHIQ", 0x40, tag, 6, ticks)
    return {(*path, "__properties_version1.0"): bytes(header) + fixed, **found}


AT = datetime(2024, 3, 5, 9, 11, 12, tzinfo=UTC)
SENT = {
    0x001A: "IPM.Note",
    0x0037: "Re: Plans",
    0x0039: AT,
    0x0042: "Ada Lovelace",
    0x0064: "SMTP",
    0x0065: "Ada@Example.org",
    0x1000: "Gladly.\r\n\r\nOn Monday, Bob wrote:\r\n> Shall we?\r\n",
    0x1035: "<two@example.org>",
    0x1039: "<one@example.org> <half@example.org>",
    0x1042: "<half@example.org>",
}
BOB = {0x3001: "Bob", 0x3002: "SMTP", 0x3003: "bob@example.com", 0x0C15: 1}
EVE = {0x3001: "Eve", 0x3002: "EX", 0x3003: "/O=X/CN=EVE", 0x39FE: "eve@example.com", 0x0C15: 2}
MAX = {0x3001: "Max", 0x3002: "EX", 0x3003: "/O=X/CN=MAX", 0x0C15: 1}


def read(folder, data, name="a.msg", source=SOURCE):
    path = folder / name
    path.write_bytes(data)
    tree = grow(path)
    assert source.detect(tree) >= 0.9
    records = list(source.read(tree, None, ME))
    assert list(source.read(grow(path), None, ME)) == records
    return records


def only_item(records) -> Item:
    (item,) = (one for one in records if isinstance(one, Item))
    assert not [one for one in records if isinstance(one, Bad)]
    return item


def test_a_message_is_one_exact_item(tmp_path):
    data = Msg(SENT, [EVE, BOB, MAX], [{0x3707: "a.txt", 0x370E: "text/plain", 0x3701: b"hello"}])
    records = read(tmp_path, data.encoded())
    item = only_item(records)
    assert item.type == "message.email.sent"
    assert (item.native_id, item.conversation) == ("two@example.org", "one@example.org")
    assert item.reply_to == "half@example.org"
    assert (item.at, item.offset, item.assumed) == (AT, None, False)
    assert item.author == Agent(id="mailto:ada@example.org", name="Ada Lovelace")
    assert item.to == (
        Agent(id="mailto:bob@example.com", name="Bob"),
        Agent(id="name:Max", name="Max"),
        Agent(id="mailto:eve@example.com", name="Eve"),
    )
    assert item.title == "Re: Plans"
    assert (item.text, item.own_text) == (
        "Gladly.\n\nOn Monday, Bob wrote:\n> Shall we?",
        "Gladly.",
    )
    assert item.locator == "a.msg#0"
    (attached,) = item.attachments
    assert (attached.name, attached.media_type, attached.size) == ("a.txt", "text/plain", 5)
    (content,) = (one for one in records if isinstance(one, Content))
    assert (content.sha256, content.data) == (attached.sha256, b"hello")


def test_it_has_the_id_and_the_words_of_the_same_mail_in_an_mbox(tmp_path):
    mine = only_item(read(tmp_path, Msg(SENT, [BOB]).encoded()))
    mail = (
        b"From: Ada Lovelace <ada@example.org>\nTo: Bob <bob@example.com>\nSubject: Re: Plans\n"
        b"Date: Tue, 5 Mar 2024 10:11:12 +0100\nMessage-ID: <two@example.org>\n"
        b"In-Reply-To: <half@example.org>\nReferences: <one@example.org> <half@example.org>\n\n"
        b"Gladly.\n\nOn Monday, Bob wrote:\n> Shall we?\n"
    )
    other = only_item(read(tmp_path, b"From - \n" + mail, "a.mbox", MBOX))
    for name in ("native_id", "type", "at", "author", "to", "conversation", "title", "text"):
        assert getattr(mine, name) == getattr(other, name), name


def test_headers_of_the_way_it_came_say_more_than_properties(tmp_path):
    told = (
        "Microsoft Mail Internet Headers Version 2.0\r\nReceived: from x by y; z\r\n"
        "From: Bob <bob@example.com>\r\nDate: Tue, 5 Mar 2024 10:11:12 +0100\r\n"
        "Message-ID: <one@example.org>\r\nContent-Language: de\r\n\r\n"
    )
    properties = {0x001A: "IPM.Note", 0x0037: "Hi", 0x1000: "Hallo", 0x007D: told}
    item = only_item(read(tmp_path, Msg(properties).encoded()))
    assert (item.type, item.native_id) == ("message.email.received", "one@example.org")
    assert (item.at, item.offset, item.language) == (AT, 60, "de")
    assert item.author == Agent(id="mailto:bob@example.com", name="Bob")


def test_html_is_read_in_its_own_character_set(tmp_path):
    properties = {
        0x0037: "x",
        0x0C1A: "Bob",
        0x3FDE: 28592,
        0x1013: "<p>Zażółć<br>gęślą</p><blockquote>no</blockquote>".encode("iso-8859-2"),
    }
    item = only_item(read(tmp_path, Msg(properties).encoded()))
    assert (item.text, item.own_text) == ("Zażółć\ngęślą\nno", "Zażółć\ngęślą")
    assert item.author == Agent(id="name:Bob", name="Bob")


def test_a_draft_without_an_id_is_known_by_the_key_that_its_copies_share(tmp_path):
    properties = {0x0037: "x", 0x1000: "y", 0x0E07: 8, 0x3007: AT, 0x300B: bytes(range(16))}
    item = only_item(read(tmp_path, Msg(properties).encoded()))
    assert item.native_id == item.conversation == "mapi:000102030405060708090a0b0c0d0e0f"
    assert (item.tags, item.at, item.assumed) == (("Draft",), AT, True)


def test_a_message_within_a_message_is_an_attachment_in_the_form_of_mail(tmp_path):
    inner = Msg(
        {0x0037: "Inner", 0x1000: "deep words", 0x0C1A: "Bob", 0x0039: AT, 0x1035: "<i@x>"},
        [BOB],
        [{0x3707: "b.bin", 0x3701: b"\0\1"}],
    )
    outer = Msg({0x0037: "Outer", 0x1000: "see"}, [], [{0x3701: inner, 0x3705: 5}])
    records = read(tmp_path, outer.encoded())
    (attached,) = only_item(records).attachments
    assert (attached.name, attached.media_type) == ("Inner", "message/rfc822")
    mail = message_from_bytes(b"".join(one.data for one in records if isinstance(one, Content)))
    assert dict(mail) == {
        "From": "Bob <>",
        "To": "Bob <bob@example.com>",
        "Subject": "Inner",
        "Date": "Tue, 05 Mar 2024 09:11:12 +0000",
        "Message-ID": "<i@x>",
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/mixed; boundary="part-0"',
    }
    text, file = mail.get_payload()
    assert text.get_payload().strip() == "deep words"
    assert file.get_payload(decode=True) == b"\0\1"


def test_the_confined_child_reads_it_too(tmp_path, gather):
    path = tmp_path / "a.msg"
    path.write_bytes(Msg(SENT, [BOB], [{0x3707: "a.txt", 0x3701: b"hello"}]).encoded())
    gathered = gather(path, ["ada@example.org"])
    assert [found.source for found in gathered.found] == ["outlook"]
    assert [item.native_id for item in gathered.items] == ["two@example.org"]
    assert not gathered.bad


def test_messages_nested_without_end_are_bad(tmp_path):
    message = Msg({0x0037: "x"})
    for _ in range(12):
        message = Msg({0x0037: "x"}, [], [{0x3701: message}])
    bad = read(tmp_path, message.encoded())[0]
    assert isinstance(bad, Bad)
    assert "nested too deeply" in bad.reason


def test_a_damaged_file_is_bad_at_every_length(tmp_path):
    data = Msg(SENT, [BOB], [{0x3707: "a", 0x3701: b"x" * 5000}]).encoded()
    for length in range(8, len(data), 617):
        path = tmp_path / "cut.msg"
        path.write_bytes(data[:length])
        records = list(SOURCE.read(grow(path), None, ME))
        assert sum(isinstance(one, Item | Bad) for one in records) == 1
        for at in range(3):
            path.write_bytes(data[:length] + bytes((at * 85,)) * 64 + data[length + 64 :])
            list(SOURCE.read(grow(path), None, ME))


def test_the_sample_of_another_project_says_what_it_was_made_to_say(shared):
    path = shared / "exports" / "email-eml" / "test_outlook_msg.msg"
    item = only_item(list(SOURCE.read(grow(path), None, ME)))
    assert item.title == "Test Email Message"
    assert item.text == "This is the body of the test email message"
    assert (item.at.isoformat(), item.offset) == ("2024-12-22T08:23:00+00:00", 180)
    assert [agent.id for agent in item.to] == ["mailto:test.recipient@example.com"]


# --- formatted text ---

# The two examples of MS-OXRTFCP, 4.1.1 and 4.1.2.
SIMPLE = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
    "0af32068656c090020627705b06c647d0a800fa0"
)
REPEATED = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def test_packed_text_is_unpacked_as_its_specification_shows():
    assert decompress(SIMPLE) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert decompress(REPEATED) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_text_that_was_only_stored_is_taken_as_it_is():
    rtf = b"{\\rtf1 x}"
    packed = struct.pack("<4I", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    assert decompress(packed) == rtf


@pytest.mark.parametrize(
    "data", [b"", b"x" * 15, b"x" * 40, struct.pack("<4I", 9, 1 << 30, 0x75465A4C, 0)]
)
def test_what_is_no_packed_text_is_refused(data):
    with pytest.raises(Unreadable):
        decompress(data)


def test_packed_text_that_is_cut_off_is_read_as_far_as_it_goes():
    for length in range(16, len(SIMPLE)):
        assert decompress(SIMPLE)[: len(decompress(SIMPLE[:length]))] == decompress(SIMPLE[:length])


HTML_IN_RTF = (
    rb"{\rtf1\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 caf\'e9 \u9786?{\*\htmltag72 <br>}"
    rb"\htmlrtf\line\htmlrtf0 x{\*\htmltag8 </p>}\htmlrtf }\htmlrtf0}"
)
TEXT_IN_RTF = rb"{\rtf1\ansi\fromtext{\fonttbl{\f0 Arial;}}one\par two\tab\{x\}\'97}"
RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}"
    rb"\f0 a\'e4 {\f1 \'cf\'f0\'e8}\'e4{\*\generator x}{\pict 00ff}\b y}"
)


@pytest.mark.parametrize(
    ("rtf", "text", "is_html"),
    [
        (HTML_IN_RTF, "<p>café ☺<br>x</p>", True),
        (TEXT_IN_RTF, "one\ntwo\t{x}—", False),
        (RTF, "aä \u041f\u0440\u0438äy", False),
    ],
)
def test_formatted_text_gives_up_its_words(rtf, text, is_html):
    assert unwrapped(rtf) == (text, is_html)


def test_only_formatted_text_is_read_too(tmp_path):
    rtf = rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}one{\*\htmltag8 </p>}two}"
    packed = struct.pack("<4I", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    assert (
        only_item(read(tmp_path, Msg({0x0037: "x", 0x1009: packed}).encoded())).text == "one\ntwo"
    )


# --- mailboxes ---


def test_entries_that_are_no_mail_are_told_one_by_one(shared):
    pytest.importorskip("pypff")
    path = shared / "exports" / "email-pst" / "dist-list.pst"
    tree = grow(path)
    assert SOURCE.detect(tree) >= 0.9
    records = [one for one in SOURCE.read(tree, None, ME) if isinstance(one, Item | Bad)]
    kinds = ("Appointment", "DistList", "Contact", "Microsoft.ScheduleData.FreeBusy")
    assert [one.reason for one in records] == [
        f"it is no mail but an entry of another kind (IPM.{kind})" for kind in kinds
    ]
    assert len({one.locator for one in records}) == 4


def test_without_libpff_the_way_to_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pypff", None)
    path = tmp_path / "a.pst"
    path.write_bytes(b"!BDN" + bytes(600))
    (bad, _) = SOURCE.read(grow(path), None, ME)
    assert 'pip install "twinvault[pst]"' in bad.reason


def test_a_damaged_mailbox_is_bad(tmp_path, gather):
    pytest.importorskip("pypff")
    path = tmp_path / "a.pst"
    path.write_bytes(b"!BDN" + bytes(600))
    assert gather(path).reasons == {"a.pst": "the mailbox is damaged or cut off"}


class Entry:
    def __init__(self, entry_type: int, value: str | int | bytes) -> None:
        self.entry_type = entry_type
        kinds = {str: 0x1F, int: 3, bytes: 0x102}
        self.value_type = kinds[type(value)]
        encoded = value.encode("utf-16-le") if isinstance(value, str) else value
        self.data = encoded if isinstance(encoded, bytes) else struct.pack("<I", encoded)


class Object:
    """An object as libpff gives it: records of entries, and what else it is asked for."""

    def __init__(self, identifier: int, *records: dict[int, str | int | bytes], **more) -> None:
        self.identifier = identifier
        self._records = [[Entry(*pair) for pair in record.items()] for record in records]
        self.number_of_record_sets = len(records)
        self.recipients = more.get("recipients")
        self.attachments = more.get("attachments", [])
        self.number_of_attachments = len(self.attachments)
        self.data = more.get("data", b"")
        self.size = len(self.data)
        self.number_of_sub_items = 0

    def get_record_set(self, number: int):
        record = self._records[number]
        found = type("Records", (), {})()
        found.number_of_entries = len(record)
        found.get_entry = record.__getitem__
        return found

    def get_attachment(self, number: int):
        return self.attachments[number]

    def read_buffer(self, size: int) -> bytes:
        taken, self.data = self.data[:size], self.data[size:]
        return taken


class Folder:
    def __init__(self, identifier: int, name: str | None, messages=(), folders=()) -> None:
        self.identifier, self.name = identifier, name
        self.number_of_sub_messages, self.number_of_sub_folders = len(messages), len(folders)
        self._messages, self._folders = messages, folders

    def get_sub_message(self, number: int):
        if self._messages[number] is None:
            raise OSError("damaged")
        return self._messages[number]

    def get_sub_folder(self, number: int):
        return self._folders[number]


class Mailbox:
    def __init__(self, root: Folder, password: int = 0) -> None:
        self.root_folder = root
        self.message_store = Object(1, {0x67FF: password})

    def open_file_object(self, raw) -> None:
        assert raw.read(4) == b"!BDN"

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pst(tmp_path, monkeypatch):
    """A mailbox that libpff is said to have opened."""

    def make(root: Folder, password: int = 0):
        module = type("pypff", (), {"file": staticmethod(lambda: Mailbox(root, password))})
        monkeypatch.setitem(__import__("sys").modules, "pypff", module)
        path = tmp_path / "a.pst"
        path.write_bytes(b"!BDN" + bytes(600))
        return list(SOURCE.read(grow(path), None, ME))

    return make


def mail(identifier: int, **more) -> Object:
    facts = {0x001A: "IPM.Note", 0x0037: "\x01\x01Hi", 0x1000: f"text {identifier}"}
    return Object(identifier, facts | {0x0C1A: "Bob", 0x1035: f"<{identifier}@x>"}, **more)


def test_folders_of_a_mailbox_are_tags_and_what_a_search_shows_is_read_once(pst):
    one = mail(
        11,
        recipients=Object(12, BOB, EVE),
        attachments=[Object(13, {0x3707: "a.txt", 0x370E: "text/plain"}, data=b"hello")],
    )
    inbox = Folder(2, "Inbox", [one, mail(14)], [Folder(3, "Work/Old", [mail(15)])])
    root = Folder(0, None, [], [Folder(1, "Top", [], [inbox]), Folder(4, "Search", [one])])
    records = pst(root)
    items = [record for record in records if isinstance(record, Item)]
    assert [(item.native_id, item.tags, item.title) for item in items] == [
        ("11@x", ("Inbox",), "Hi"),
        ("14@x", ("Inbox",), "Hi"),
        ("15@x", ("Inbox/Work-Old",), "Hi"),
    ]
    assert [agent.id for agent in items[0].to] == [
        "mailto:bob@example.com",
        "mailto:eve@example.com",
    ]
    assert items[0].attachments[0].size == 5
    assert [one.data for one in records if isinstance(one, Content)] == [b"hello"]
    assert items[2].locator == "a.pst#15"


def test_a_folder_that_is_damaged_costs_what_is_in_it(pst):
    broken = Folder(2, "Broken", [mail(11), None, mail(12)])
    inside = [broken, None, Folder(3, "Good", [mail(13)])]
    root = Folder(0, None, [], [Folder(1, "Top", [], inside)])
    records = [one for one in pst(root) if isinstance(one, Item | Bad)]
    assert [getattr(one, "native_id", "") or one.reason for one in records] == [
        "11@x",
        "the folder cannot be listed",
        "the folder cannot be listed",
        "13@x",
    ]


def test_an_attachment_too_large_to_hold_is_described(pst, monkeypatch):
    monkeypatch.setattr(mailboxes, "_HELD", 4)
    one = mail(11, attachments=[Object(13, {0x3707: "a.bin"}, data=b"hello")])
    item, *rest = pst(Folder(0, None, [one]))
    assert [(found.name, found.size) for found in item.attachments] == [("a.bin", 5)]
    assert not [record for record in rest if isinstance(record, Content)]


def test_a_mailbox_with_a_password_is_refused_with_the_way_out(pst):
    (bad, _) = pst(Folder(0, None, [mail(11)]), password=77)
    assert bad.reason == "it has a password; take it off in Outlook and add the mailbox again"
