"""The shared sample exports, where they are beside the checkout: real shapes and hostile files."""

import pytest

from vault.collectors import Limits
from vault.consent import check_type
from vault.items import Bad

ME = ["ada@example.org", "Ada"]

READ_BY = {
    "discord",
    "documents",
    "instagram",
    "markdown",
    "mbox",
    "messenger",
    "notion",
    "outlook",
    "pdf",
    "signal",
    "telegram",
    "text",
    "whatsapp",
}
UNREAD_KINDS = {
    *("bash_history", "fake_chrome_History", "zsh_history"),
    *("csv", "ics", "jpg", "json", "m4a", "sqlite", "vcf", "xlsx", "xml"),
}
JSON = "no source reads this kind of file (.json)"
XML = "no source reads this kind of file (.xml)"
NASTY = {
    "bigint_id.json": [JSON],
    "bom.json": [JSON],
    "bomb_flat.zip": ["it expands too much (an archive bomb)"],
    "crlf_header_inject.eml": ["x"],
    "deep.json": [JSON],
    "docx_billion_laughs.xml": [XML],
    "dup_names.zip": [JSON],
    "empty.mbox": ["the file is empty"],
    "fb_mojibake.json": ["café ✓ 😀"],
    "lone_surrogate.json": ["bad \N{REPLACEMENT CHARACTER} surrogate"],
    "mbox_bad_dates.mbox": ["x"],
    "mixed_utf8_latin1.txt": ["café — ok\ncafé broken\n“smart”"],
    "nan.json": [JSON],
    "not_a.pdf": ["the document is damaged or cut off"],
    "nul_bytes.txt": ["helloworld\n\nBye"],
    "truncated.json": ["ok", "the file is cut off or broken from here on"],
    "truncated.zip": ["the archive is damaged"],
    "utf16_bom.txt": ["Dear diary ☕"],
    "xxe.xml": [XML],
    "zipslip.zip": ["a symbolic link is not followed", "its name points outside the archive", "ok"],
}


def test_all_sample_exports_are_read_and_nothing_disappears(shared, gather):
    folder = shared / "exports"
    gathered = gather(folder, ME, limits=Limits(memory=512 << 20))
    assert {found.source for found in gathered.found} == READ_BY
    for bad in gathered.bad:
        assert bad.locator.startswith("exports/"), bad
        assert bad.reason, bad
    for item in gathered.items:
        check_type(item.type)
        assert item.native_id
        assert item.locator.startswith("exports/")
        assert item.at is None or item.at.utcoffset().total_seconds() == 0
    # Every file is accounted for: it gave items, is told as bad, or was opened for another.
    told = {bad.locator.split("#")[0] for bad in gathered.bad}
    told |= {item.locator.rpartition("#")[0] or item.locator for item in gathered.items}
    told |= {item.locator for item in gathered.items}
    told |= {file for ended in gathered.ended for file in ended.opened}
    for file in folder.rglob("*"):
        if file.is_file() and not any(part.startswith(".") for part in file.parts):
            name = f"exports/{file.relative_to(folder).as_posix()}"
            assert any(where == name or where.startswith(name + "!") for where in told), name


def test_what_no_source_reads_is_of_kinds_that_no_source_claims_to_read(shared, gather):
    gathered = gather(shared / "exports", ME, limits=Limits(memory=512 << 20))
    unread = {bad.locator for bad in gathered.bad if bad.reason.startswith("no source reads")}
    kinds = {name.rpartition("/")[2].rpartition(".")[2] for name in unread}
    assert kinds <= UNREAD_KINDS


def test_each_hostile_file_is_a_clear_report_and_nothing_around_it_is_lost(shared, gather):
    gathered = gather(shared / "exports" / "nasty", ME, limits=Limits(memory=512 << 20))
    told = {}
    for record in (*gathered.items, *gathered.bad):
        name = record.locator.removeprefix("nasty/").replace("!", "#").partition("#")[0]
        said = record.reason if isinstance(record, Bad) else record.text
        told.setdefault(name, []).append(said)
    assert {name: sorted(set(said)) for name, said in told.items()} == NASTY
    assert {path.name for path in (shared / "exports" / "nasty").iterdir()} == NASTY.keys()


@pytest.mark.parametrize("name", ["cm-ddmmyy_24hrs.txt", "cm-mmddyyyy_12hrs.txt"])
def test_the_sample_chats_say_what_their_makers_expect(shared, gather, name):
    items = gather(shared / "exports" / "whatsapp" / name).items
    found = [(item.at.strftime("%Y-%m-%dT%H:%M"), item.author.name, item.text) for item in items]
    lorem = "Lorem ipsum dolor sit amet,\nconsectetur adipiscing elit. Duis libero."
    assert found == [
        ("2019-01-01T11:25", "John Doe", "Lorem ipsum dolor sit amet."),
        ("2019-01-20T11:23", "John Doe", "."),
        ("2019-01-30T20:49", "Jahn Doe", lorem),
        ("2020-06-10T15:55", "John-John Doe", "Lorem ipsum : dolor sit amet."),
        ("2021-12-10T10:10", "John Doe 🤓", "Lorem ipsum 🤓"),
        ("2021-12-20T12:10", "🤓", "Lorem ipsum 🤓"),
        ("2021-12-30T22:01", "John Doe", lorem),
    ]


def test_the_sample_mailbox_holds_the_messages_that_its_summary_lists(shared, gather):
    folder = shared / "exports" / "email-mbox"
    summary = (folder / "content-length-summary.txt").read_text(encoding="utf-8")
    subjects = [
        line.partition(": ")[2] for line in summary.splitlines() if line.startswith("Subject: ")
    ]
    gathered = gather(folder / "content-length.mbox")
    assert not gathered.bad
    assert [item.title for item in gathered.items] == subjects


def test_the_sample_texts_are_decoded(shared, gather):
    folder = shared / "exports" / "encodings"
    words = {
        "arabic": "المغاربية",
        "bulgarian": "образование",
        "french": "MOLIÈRE",
        "greek-2": "ελληνική",
        "hebrew-2": "עבריים",
        "korean": "역사적",
        "russian": "математика",
        "turkish": "Türkiye",
        "chinese": "維基",
    }
    for language, word in words.items():
        (text,) = gather(folder / f"sample-{language}.txt", source="text").texts
        assert word in text, language
