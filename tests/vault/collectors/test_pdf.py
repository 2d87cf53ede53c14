import sys
from datetime import UTC, datetime
from subprocess import run

import pytest

from tests.vault.collectors.pdf_files import pdf
from vault.collectors.readers.archives import grow
from vault.collectors.readers.pages import text_of
from vault.collectors.sources.pdf import SOURCE
from vault.items import Agent, Bad, Item

ME = frozenset({"ada lovelace"})
FACTS = {
    "Title": "Plans",
    "Author": "Ada Lovelace",
    "CreationDate": "D:20240102030405+01'30'",
    "Keywords": "engine, brass",
}


class Marks:
    """A reader that has died before, at one place."""

    def __init__(self, fatal):
        self.fatal = fatal
        self.entered = []

    def enter(self, locator):
        self.entered.append(locator)
        return self.fatal.get(locator, "")

    def beat(self):
        pass


@pytest.fixture
def read(tmp_path):
    def one(data, name="a.pdf", marks=None):
        path = tmp_path / "papers" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        tree = grow(path, marks=marks)
        found = [one for one in SOURCE.read(tree, None, ME) if isinstance(one, Item | Bad)]
        again = [one for one in SOURCE.read(tree, None, ME) if isinstance(one, Item | Bad)]
        assert found == again
        return found

    return one


def test_a_document_is_one_item_with_its_pages_apart(read):
    assert read(pdf([["An engine", "(of brass)"], ["Costs: 5 €"]], info=FACTS), "Plan.pdf") == [
        Item(
            source="pdf",
            native_id="papers/Plan.pdf",
            type="document.pdf",
            at=datetime(2024, 1, 2, 1, 34, 5, tzinfo=UTC),
            offset=90,
            author=Agent(id="name:Ada Lovelace", name="Ada Lovelace"),
            conversation="papers/Plan.pdf",
            title="Plans",
            text="An engine\n(of brass)\n\nCosts: 5 €",
            tags=("engine", "brass"),
            locator="Plan.pdf",
        )
    ]


@pytest.mark.parametrize(
    ("stated", "at", "offset"),
    [
        ("D:20240102030405Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), 0),
        ("D:20240102030405-08'00'", datetime(2024, 1, 2, 11, 4, 5, tzinfo=UTC), -480),
        ("D:20240102030405+02", datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC), 120),
        ("D:202401020304", datetime(2024, 1, 2, 3, 4, tzinfo=UTC), None),
        ("20240102", datetime(2024, 1, 2, tzinfo=UTC), None),
        ("D:2024", datetime(2024, 1, 1, tzinfo=UTC), None),
    ],
)
def test_dates_are_read_as_the_standard_writes_them(read, stated, at, offset):
    (item,) = read(pdf([["x"]], info={"CreationDate": stated}))
    assert (item.at, item.offset) == (at, offset)


def test_only_the_papers_that_name_the_owner_are_her_words(read):
    (others,) = read(pdf([["x"]], info={"Author": "Charles Babbage"}))
    (nobodys,) = read(pdf([["x"]], info={"Author": "(anonymous)"}))
    assert (others.type, others.author.name) == ("document.pdf.received", "Charles Babbage")
    assert (nobodys.type, nobodys.author) == ("document.pdf.received", None)


# --- lines to text ---


def test_lines_of_one_paragraph_are_joined_and_divided_words_made_whole(read):
    lines = [
        "The Analytical Engine weaves algebraic patterns just as the Jac-",
        "quard loom weaves flowers and leaves, and nothing could be said of",
        "Babbage against that.",
        "A new paragraph.",
        "- a list",
        "- of two",
    ]
    (item,) = read(pdf([lines]))
    assert item.text == (
        "The Analytical Engine weaves algebraic patterns just as the Jacquard loom weaves"
        " flowers and leaves, and nothing could be said of Babbage against that.\n"
        "A new paragraph.\n- a list\n- of two"
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a well-\nknown thing", "a wellknown thing"),
        ("a well-\nknown and well-known thing", "a well-known and well-known thing"),
        ("from A-\nZ and 3-\n4", "from A-\nZ and 3-\n4"),
        ("exam\ufffe\nple", "example"),
        ("Total\n5", "Total\n5"),
        ("Dear Bob,\nthank you", "Dear Bob,\nthank you"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_only_where_the_word_has_none(lines, expected):
    assert text_of([lines]) == expected


TEXTS = list(enumerate(("Wheels and\nteeth", "Steam", "Cards\nof Jacquard\nin 3 colours", "Ink")))


def test_what_stands_on_every_page_is_dropped_but_for_its_first_words():
    pages = [f"The Engine\nChapter {at}\n{text}\nPage {at} of 9" for at, text in TEXTS]
    assert text_of(pages) == "The Engine\n" + "\n\n".join(text for _, text in TEXTS)


@pytest.mark.parametrize(
    "pages",
    [
        ["Title\none", "Title\ntwo"],
        ["one\nsame\nend", "two\nother\nend 2", "three\nsame\nlast"],
        ["1", "2"],
    ],
)
def test_what_stands_on_a_few_pages_stays(pages):
    assert text_of(pages) == "\n\n".join(pages)


def test_pages_that_number_themselves_in_roman_lose_only_the_number():
    assert text_of([f"words {word}\n{word}" for word in ("iv", "v", "vi")]) == (
        "words iv\n\nwords v\n\nwords vi"
    )


# --- bad input ---


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf([[], []]), "it holds pictures of pages, no text"),
        (pdf([["x"]], locked=True), "it is protected by a password"),
        (b"%PDF-1.7\ngarbage", "the document is damaged or cut off"),
        (b"words", "it is no PDF"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_reason(read, data, reason):
    assert read(data) == [Bad(locator="a.pdf", reason=reason)]


def test_a_damaged_page_costs_itself(read):
    bad, item = read(pdf([["one"], ["two"], ["three"]], page_objects={5: b"<</Type/Nothing"}))
    assert bad == Bad(locator="a.pdf#1", reason="the page is damaged")
    assert item.text == "one\n\nthree"


def test_a_page_that_killed_a_reader_is_left_out_and_the_others_read(read):
    marks = Marks({"a.pdf#1": "the reader crashed (SIGSEGV)"})
    bad, item = read(pdf([["one"], ["two"], ["three"]]), marks=marks)
    assert bad == Bad(locator="a.pdf#1", reason="the reader crashed (SIGSEGV)")
    assert item.text == "one\n\nthree"
    assert [one for one in marks.entered if "#" in one][:3] == ["a.pdf#0", "a.pdf#1", "a.pdf#2"]


def test_the_reading_child_reads_good_documents_around_bad_ones(tmp_path, gather):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf([["first"]]))
    (folder / "b.pdf").write_bytes(pdf([["x"]])[:300])
    (folder / "c ohne Endung").write_bytes(b"\n\n" + pdf([["last"]]))
    gathered = gather(folder)
    assert gathered.texts == ["first", "last"]
    assert gathered.reasons == {"papers/b.pdf": "the document is damaged or cut off"}


def test_nothing_of_the_parser_is_loaded_where_no_document_has_come():
    code = (
        "import sys, vault.collectors.registry as r; r.load();"
        "assert not {'pypdfium2', 'pypdfium2_raw'} & set(sys.modules)"
    )
    run([sys.executable, "-c", code], check=True, timeout=60)


# --- real documents ---


def test_the_sample_documents_hold_their_key_sentences(shared, gather):
    gathered = gather(shared / "exports" / "documents-pdf")
    found = {item.native_id.partition("/")[2]: item for item in gathered.items}
    assert list(found) == [
        "SPARSE-2024-INV-1234_borderless_table.pdf",
        "movie-theater-booking-2024.pdf",
        "test.pdf",
    ]
    assert gathered.reasons == {
        "documents-pdf/pdf_scanned_minimal.pdf": "it holds pictures of pages, no text"
    }
    paper = found["test.pdf"].text
    assert paper.startswith("1 Introduction\nLarge language models (LLMs) are becoming a crucial")
    assert "adapting to new observations (Yao et al., 2022; Xi et al., 2023; Wang" in paper
    assert "Contact: Michael Chen\n" in found["movie-theater-booking-2024.pdf"].text
