import os
import struct
import zipfile
from datetime import UTC, datetime

import pytest

from tests.vault.collectors.office_files import docx, epub, odt, p, pptx, shape, zipped
from vault.collectors.readers.archives import grow
from vault.collectors.sources.documents import SOURCE
from vault.items import Agent, Bad, Item, Precision

ME = frozenset({"ada lovelace", "ada@example.org"})


@pytest.fixture
def read(tmp_path):
    def one(data, name="a.docx", me=ME):
        path = tmp_path / "papers" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        tree = grow(path)
        found = [one for one in SOURCE.read(tree, None, me) if isinstance(one, Item | Bad)]
        again = [one for one in SOURCE.read(tree, None, me) if isinstance(one, Item | Bad)]
        assert found == again
        return found

    return one


@pytest.fixture
def text(read):
    def one(data, name="a.docx"):
        (item,) = read(data, name)
        assert isinstance(item, Item), item
        return item.text

    return one


# --- what a letter says ---

LETTER = docx(
    p("Plans", '<w:pStyle w:val="Titel"/>')
    + p("An engine", '<w:pStyle w:val="berschrift1"/>')
    + "<w:p><w:r><w:t>It </w:t></w:r><w:del><w:r><w:delText>was</w:delText></w:r></w:del>"
    "<w:ins><w:r><w:t>is</w:t></w:r></w:ins><w:r><w:t> of brass</w:t></w:r>"
    '<w:r><w:footnoteReference w:id="7"/></w:r><w:r><w:t>.</w:t></w:r></w:p>'
    + "".join(
        p(word, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_}"/></w:numPr>')
        for word, list_, level in (
            ("wheels", 1, 0),
            ("teeth", 1, 1),
            ("first", 2, 0),
            ("second", 2, 0),
        )
    )
    + "<w:tbl>"
    + "".join(
        f"<w:tr><w:tc>{p(left)}</w:tc><w:tc>{p(right)}{p('more')}</w:tc></w:tr>"
        for left, right in (("part", "weight"), ("wheel", "2 kg"))
    )
    + "</w:tbl>"
    + p("Yours"),
    facts={
        "title": "Plans for an engine",
        "creator": "Ada Lovelace",
        "lastModifiedBy": "Charles Babbage",
        "created": "2024-01-02T03:04:05Z",
        "modified": "2024-02-02T03:04:05Z",
        "language": "en-GB",
        "keywords": "engine, brass",
    },
    styles='<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>',
    numbering='<w:abstractNum w:abstractNumId="5"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>'
    '</w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="6"><w:lvl w:ilvl="0">'
    '<w:numFmt w:val="decimal"/></w:lvl></w:abstractNum><w:num w:numId="1">'
    '<w:abstractNumId w:val="5"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="6"/></w:num>',
    footnotes=f'<w:footnote w:id="7">{p("And some iron.")}</w:footnote>',
    comments=f'<w:comment w:id="0" w:author="Charles Babbage">{p("Steam!")}</w:comment>',
)
LETTER_TEXT = """# Plans

# An engine

It is of brass[^1].

- wheels
  - teeth
1. first
2. second

part | weight more
wheel | 2 kg more

Yours

[^1]: And some iron."""


def test_a_letter_is_one_item_with_everything_that_it_says_of_itself(read):
    assert read(LETTER, "Brief.docx") == [
        Item(
            source="documents",
            native_id="papers/Brief.docx",
            type="document.office",
            at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
            offset=0,
            author=Agent(id="name:Ada Lovelace", name="Ada Lovelace"),
            conversation="papers/Brief.docx",
            title="Plans for an engine",
            text=f"{LETTER_TEXT}\n\nCharles Babbage: Steam!",
            text_new=LETTER_TEXT,
            language="en",
            tags=("engine", "brass"),
            locator="Brief.docx",
        )
    ]


def test_a_letter_that_says_nothing_of_itself_has_its_name_and_the_time_of_its_file(read):
    (item,) = read(docx(p("Hello")), "To Bob.docx")
    assert (item.title, item.text, item.text_new, item.author) == ("To Bob", "Hello", None, None)
    assert item.at == datetime.fromtimestamp(1_000_000_000, UTC)
    assert (item.precision, item.assumed) == (Precision.FILE, True)


@pytest.mark.parametrize(
    ("facts", "type_", "author"),
    [
        ({"creator": "Ada Lovelace"}, "document.office", "Ada Lovelace"),
        ({"creator": "Bob; Ada Lovelace"}, "document.office", "Ada Lovelace"),
        (
            {"creator": "Bob", "lastModifiedBy": "Ada Lovelace"},
            "document.office",
            "Ada Lovelace",
        ),
        ({"creator": "Microsoft Office User"}, "document.office", None),
        ({"lastModifiedBy": "Bob"}, "document.office", None),
        ({"creator": "Bob"}, "document.office.received", "Bob"),
        ({"creator": "Bob", "lastModifiedBy": "Eve"}, "document.office.received", "Bob"),
    ],
)
def test_a_document_that_names_only_others_is_received(read, facts, type_, author):
    (item,) = read(docx(p("words"), facts=facts))
    assert item.type == type_
    assert item.author == (Agent(id=f"name:{author}", name=author) if author else None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            (
                "<w:p><w:moveFrom><w:r><w:t>old</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>new</w:t>"
                "</w:r></w:moveTo></w:p>"
            ),
            "new",
        ),
        (
            "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>one </w:t></w:r></w:p>"
            + p("two"),
            "one two",
        ),
        ("<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>" + p("seen"), "seen"),
        (
            "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>",
            "a\tb\nc",
        ),
        (
            (
                "<w:p><w:r><w:instrText>HYPERLINK x</w:instrText></w:r>"
                "<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink></w:p>"
            ),
            "link",
        ),
        (f"<w:sdt><w:sdtContent>{p('in a form')}</w:sdtContent></w:sdt>", "in a form"),
        (
            (
                "<w:p><w:r><w:t>text</w:t></w:r><w:r><AlternateContent><Choice><w:txbxContent>"
                f"{p('box')}</w:txbxContent></Choice><Fallback><w:txbxContent>{p('box')}"
                "</w:txbxContent></Fallback></AlternateContent></w:r></w:p>"
            ),
            "text\n\nbox",
        ),
        (f"<w:tbl><w:tr><w:tc>{p('a')}{p('b')}</w:tc></w:tr></w:tbl>", "a\n\nb"),
        (p("far", '<w:outlineLvl w:val="1"/>'), "## far"),
    ],
)
def test_what_word_writes_around_words_is_understood(text, body, expected):
    assert text(docx(body)) == expected


def test_a_letter_is_known_by_its_content_and_not_walked_into(tmp_path, gather):
    folder = tmp_path / "Ablage"
    folder.mkdir()
    (folder / "ohne Endung").write_bytes(LETTER)
    (folder / "umbenannt.dat").write_bytes(docx(p("zwei"), main="word/document2.xml"))
    (folder / "alles.zip").write_bytes(zipped({"in/drei.docx": docx(p("drei"))}))
    gathered = gather(folder, ["Ada Lovelace"])
    assert [(item.native_id, item.text.split("\n")[0]) for item in gathered.items] == [
        ("Ablage/alles.zip!in/drei.docx", "drei"),
        ("Ablage/ohne Endung", "# Plans"),
        ("Ablage/umbenannt.dat", "zwei"),
    ]
    assert not gathered.bad


def test_google_documents_are_read_with_what_takeout_tells_of_them(tmp_path, gather):
    folder = tmp_path / "Takeout" / "Ablage" / "Reisen"
    folder.mkdir(parents=True)
    (folder / "Nach Rom_.docx").write_bytes(docx(p("Im Mai.")))
    (folder / "Nach Rom_.docx-info.json").write_text(
        '{"title": "Nach Rom?", "created": "2021-05-06T07:08:09.123Z", "starred": false,'
        ' "content_last_modified": "2022-05-06T07:08:09.123Z", "permissions": [{"name": "Ada L.",'
        ' "email_address": "ada@example.org", "role": "owner"}]}'
    )
    (folder / "Fremd.docx").write_bytes(docx(p("Bobs Worte.")))
    (folder / "Fremd.docx-info.json").write_text(
        '{"title": "Fremd", "permissions": [{"name": "Bob", "role": "owner"}]}'
    )
    gathered = gather(tmp_path / "Takeout", ["ada@example.org"])
    assert not gathered.bad
    bobs, hers = gathered.items
    assert (hers.title, hers.author.name, hers.type) == ("Nach Rom?", "Ada L.", "document.office")
    assert hers.at == datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (bobs.author.name, bobs.type) == ("Bob", "document.office.received")


# --- the other formats ---


def test_an_opendocument_text_is_read_as_it_is_seen(read):
    data = odt(
        '<t:tracked-changes><t:p>gone</t:p></t:tracked-changes><t:h t:outline-level="2">Plan</t:h>'
        '<t:p>Two<t:s t:c="2"/>spaces,\n   one<t:line-break/>line'
        "<t:note><t:note-citation>1</t:note-citation><t:note-body><t:p>A note.</t:p></t:note-body>"
        "</t:note>.<o:annotation><creator>Bob</creator><t:p>Why?</t:p></o:annotation></t:p>"
        '<t:list t:style-name="L1"><t:list-item><t:p>one</t:p><t:list><t:list-item><t:p>deep</t:p>'
        "</t:list-item></t:list></t:list-item><t:list-item><t:p>two</t:p></t:list-item></t:list>"
        "<d:table><d:table-row><d:table-cell><t:p>a</t:p></d:table-cell><d:table-cell "
        't:number-columns-repeated="1000000"><t:p>b</t:p></d:table-cell></d:table-row></d:table>',
        meta="<title>My plan</title><initial-creator>Ada Lovelace</initial-creator>"
        "<creation-date>2023-04-05T06:07:08.123456789</creation-date><keyword>a</keyword>"
        "<keyword>b</keyword>",
        styles='<t:list-style s:name="L1"><t:list-level-style-number/></t:list-style>',
    )
    (item,) = read(data, "a.odt")
    words = "## Plan\n\nTwo  spaces, one\nline[^1].\n\n1. one\n  1. deep\n2. two\n\na | b\n\n[^1]: A note."
    assert (item.text_new, item.text) == (words, f"{words}\n\nBob: Why?")
    assert (item.title, item.author.name, item.tags) == ("My plan", "Ada Lovelace", ("a", "b"))
    assert (item.at, item.assumed) == (datetime(2023, 4, 5, 6, 7, 8, tzinfo=UTC), True)


def test_an_opendocument_presentation_is_its_pages_with_their_notes(text):
    body = (
        '<d:page><d:frame s:class="title"><d:text-box><t:p>Start</t:p></d:text-box></d:frame>'
        "<d:frame><d:text-box><t:p>Words</t:p></d:text-box></d:frame>"
        "<s:notes><d:frame><d:text-box><t:p>Smile</t:p></d:text-box></d:frame></s:notes></d:page>"
    )
    assert text(odt(body, kind="presentation"), "a.odp") == "## Start\n\nWords\n\nSmile"


def test_slides_come_in_the_order_of_the_talk_with_their_notes(text):
    table = "<tbl><tr><tc><p><r><t>a</t></r></p></tc><tc><p><r><t>b</t></r></p></tc></tr></tbl>"
    slides = {
        "1": shape("End", kind="title") + shape("7", kind="sldNum"),
        "2": shape("Start", kind="ctrTitle")
        + f"<grpSp>{shape('one', 'two')}</grpSp>"
        + f"<graphicFrame><graphic><graphicData>{table}</graphicData></graphic></graphicFrame>",
    }
    notes = {"2": shape("Smile", kind="body") + shape("2", kind="sldNum")}
    data = pptx(slides, order=["2", "1"], notes=notes)
    assert text(data, "a.pptx") == "## Start\n\none\ntwo\n\na | b\n\nSmile\n\n## End"


METADATA = (
    "<title>The Sea</title><creator>Jane Roe</creator><language>de</language><date>1999</date>"
)


def test_a_short_book_is_one_item_in_its_order(read):
    data = epub({"b.xhtml": "<h1>One</h1><p>x</p>", "a.xhtml": "<h1>Two</h1>y"}, metadata=METADATA)
    (item,) = read(data, "sea.epub")
    assert (item.text, item.title, item.language) == ("# One\n\nx\n\n# Two\n\ny", "The Sea", "de")
    assert (item.type, item.author.name) == ("document.office.received", "Jane Roe")


def test_a_long_book_is_an_item_for_each_chapter_in_one_conversation(read):
    long = "<p>" + "words " * 6000 + "</p>"
    data = epub(
        {"1.xhtml": "<h1>One</h1>" + long, "2.xhtml": "", "3.xhtml": "<h1>Two</h1>" + long},
        metadata=METADATA,
    )
    one, two = read(data, "sea.epub")
    ids = ["papers/sea.epub!OPS/1.xhtml", "papers/sea.epub!OPS/3.xhtml"]
    assert [one.native_id, two.native_id] == ids
    assert [one.locator, two.locator] == ["sea.epub#0", "sea.epub#2"]
    assert [one.title, two.title] == ["The Sea: One", "The Sea: Two"]
    assert one.conversation == two.conversation == "papers/sea.epub"


def test_a_chapter_that_only_its_shop_can_read_costs_itself(read):
    item, bad = read(epub({"1.xhtml": "open", "2.xhtml": "#+"}, protected=["2.xhtml"]), "a.epub")
    assert item.text == "open"
    assert bad == Bad(locator="a.epub#1", reason="it is protected against being read elsewhere")


# --- bad input ---


def test_documents_around_a_broken_one_are_read(tmp_path, gather):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "a.docx").write_bytes(docx(p("first")))
    (folder / "b.docx").write_bytes(docx("<w:p><w:r></w:p>"))
    (folder / "c.docx").write_bytes(LETTER[:-200])
    (folder / "d.docx").write_bytes(docx(p("last")))
    gathered = gather(folder)
    assert gathered.texts == ["first", "last"]
    assert gathered.reasons == {
        "all/b.docx": "it is damaged XML",
        "all/c.docx": "the archive is damaged",
    }


def office(**parts):
    return zipped({"[Content_Types].xml": "", **parts})


BOMB = b'<!DOCTYPE d [<!ENTITY a "lol">]><d>&a;</d>'


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", docx(""), "there is no text in it"),
        ("a.docx", b"words", "it is no document of this kind"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "it is protected by a password",
        ),
        ("a.docx", office(**{"word/document.xml": BOMB}), "it declares entities of its own"),
        ("a.docx", office(**{"_rels/.rels": ""}), "a part of the document is missing"),
        (
            "a.docx",
            office(**{"word/document.xml": "<a>" * 300 + "</a>" * 300}),
            "it is nested too deeply",
        ),
        ("a.odt", office(**{"content.xml": BOMB}), "it declares entities of its own"),
        (
            "a.odt",
            office(**{"content.xml": "x", "META-INF/manifest.xml": "<encryption-data/>"}),
            "it is protected by a password",
        ),
        ("a.odt", odt("", kind="spreadsheet"), "it is neither a text nor a presentation"),
        (
            "a.epub",
            office(**{"META-INF/container.xml": "<c/>"}),
            "the list of its chapters is missing",
        ),
        (
            "a.epub",
            epub({"1": "x"}, protected=["1"]),
            "it is protected against being read elsewhere",
        ),
        ("a.html", b"<html><script>x</script></html>", "there is no text in it"),
        ("a.html", b"<html>" + b"<div>" * 9000 + b"x", "it is nested too deeply"),
        ("a.html", bytes(range(32)) * 99, "the document is damaged or cut off"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_reason(read, name, data, reason):
    (bad,) = read(data, name)
    assert isinstance(bad, Bad), bad
    assert bad.locator == name
    assert bad.reason.startswith(reason)


def test_a_bomb_within_a_document_ends_at_the_caps(read):
    words = "<w:p><w:r><w:t>" + "A" * 60_000 + "</w:t></w:r></w:p>"
    (bad,) = read(docx(words * 500))
    assert bad.reason.startswith("it expands beyond what an archive may")


def test_a_size_that_a_document_states_is_not_believed(read):
    data = bytearray(docx(p("A" * 50_000)))
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 90)
    struct.pack_into("<I", data, at + 24, 10)
    found = read(bytes(data))
    assert [type(one) for one in found] in ([Bad], [Item])


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_compress_a_part_are_read_or_told(read, compression):
    parts = {"[Content_Types].xml": "", "word/document.xml": "<d><b><p><t>x</t></p></b></d>"}
    (found,) = read(zipped(parts, compression))
    assert isinstance(found, Bad) or found.text == "x"


# --- detection ---


@pytest.mark.parametrize(
    ("name", "data", "sure"),
    [
        ("a", LETTER, 0.9),
        ("a.bin", pptx({"1": ""}, order=["1"]), 0.9),
        ("a", epub({"1": "x"}), 0.9),
        ("a", odt(""), 0.9),
        ("a.ods", odt("", kind="spreadsheet"), 0.0),
        ("a.xlsx", zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}), 0.0),
        ("a", b"{\\rtf1 x}", 0.9),
        ("a", b"\n<!-- x --><!DOCTYPE html><p>x", 0.3),
        ("a.htm", b"<p>x", 0.3),
        ("a.txt", b"plain words", 0.0),
        ("a.json", b"{}", 0.0),
    ],
)
def test_documents_are_told_from_other_files_by_their_heads(tmp_path, name, data, sure):
    (tmp_path / name).write_bytes(data)
    assert SOURCE.detect(grow(tmp_path / name)) == sure


# --- real documents ---


def test_the_sample_documents_hold_their_key_sentences(shared, gather):
    gathered = gather(shared / "exports" / "documents-office", ["Adam Fourney"])
    found = {item.native_id.partition("/")[2]: item for item in gathered.items}
    assert list(found) == ["rlink.docx", "test.docx", "test.epub", "test.pptx"]
    assert list(gathered.reasons) == ["documents-office/test.xlsx"]
    assert found["rlink.docx"].text == "Testing Linked Images"
    letter = found["test.docx"].text
    assert letter.startswith("# AutoGen: Enabling Next-Gen LLM Applications via Multi-Agent")
    assert "\n13 | 14 | 49e168b7-d2ae-407f-a055-2167576f39a1 | 15 | 16 | 17\n" in letter
    assert "\n\n## d666f1f7-46cb-42bd-9a39-9a39cf2a509f\n\n" in letter
    slides = found["test.pptx"].text
    assert "\n\nColA | ColB | ColC | ColD | ColE | ColF\n1 | 2 | 3 | 4 | 5 | 6\n" in slides
    assert slides.endswith("\n\n## These Test Strings are in the Image!")
    book = found["test.epub"]
    assert book.text.startswith("# Chapter 1: Test Content\n\nThis is a test paragraph with some")
    assert (book.title, book.author.name) == ("Test EPUB Document", "Test Author")
    assert [found[name].type for name in found] == [
        "document.office",
        "document.office",
        "document.office.received",
        "document.office",
    ]
