"""What programs left in a text goes, and a text is cut where nothing is read together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.drafts import standard
from projections.drafts.asking import flat
from projections.drafts.blocks import LONGEST, blocks, head, joined, pieces, sentences, tail

LEFT = [
    *("<b>", "</b>", "<br>", "<p class='x'>", "<", ">", "b", "&", ";", "&amp;", "&lt;", "&nbsp;"),
    *("&#60;", "&#x3c;", "lt", "amp", "\u200b", "\u200c", "\u200d", "\u00ad", "\u00a0", "\ufffc"),
    *(
        "\r",
        "\r\n",
        "\n",
        "\n\n\n",
        " ",
        "\t",
        "`",
        "```",
        "```\n",
        "~~~\n",
        "-- \n",
        "--",
        "> q\n",
    ),
    *("On Mon, 3 Mar 2025 at 10:00, P wrote:\n", "Am 3.3.2025 um 10:00\n", "schrieb P:\n"),
    *("-----Original Message-----\n", "From: a\n", "To: b\n", "Subject: c\n", "?", "utm_a=1", "#"),
    *("https://x.example/a?utm_source=b&v=1", "https://", "[12/03/2024, 18:22:01] ", "[", "]", "("),
    *("image omitted", "<Media omitted>", "<attached: a.jpg>", "a.jpg (file attached)", ")", "/"),
    *(
        "word",
        "Größe",
        "日本",
        "👩",
        "'",
        '"',
        "=",
        "href",
        "a",
        "-",
        ".",
        "!",
        "Ends. Starts",
        "x",
    ),
]
texts = st.lists(st.one_of(st.sampled_from(LEFT), st.text(max_size=3)), max_size=25).map("".join)
HERS = [
    "word",
    "Größe",
    "don't",
    "日本",
    "👩‍👧",
    "3.5",
    "a/b",
    "x=1",
    "`<b>`",
    "(so)",
    "-",
    "*",
    "Ja!",
]
KEPT = [
    "Password:\nhunter2x",
    "**Door code:**\n4821",
    "# Wi-Fi:\nswordfish",
    "user | password\n" + "asha | Blue. Green\n" * 20,
    "-----BEGIN PRIVATE KEY-----\n" + "QUORN. Abc\n\n" * 30 + "-----END PRIVATE KEY-----",
    "```\n" + "token = Abc. Def\n\n" * 20 + "```",
    "\n".join(f"{number}. abandon" for number in range(1, 25)),
    "Ask Dr. Nair or Mrs. Rao, ul. Długa is near.",
]
GAPS = [
    " ",
    "\n",
    "\n\n",
    "\u00a0",
    "&nbsp;",
    "<br>",
    " <b>",
    "</b> ",
    "\r\n",
    "\t",
    "\u200b ",
    "\n- ",
]


@given(texts)
def test_a_text_that_was_made_standard_stays_as_it_is(text):
    assert standard(standard(text)) == standard(text)


@given(st.lists(st.tuples(st.sampled_from(HERS), st.sampled_from(GAPS)), max_size=20))
def test_no_words_are_joined_and_none_is_lost(said):
    text = "".join(word + gap for word, gap in said)
    marks = {"-", "*"}
    assert [word for word in standard(text).split() if word not in marks] == [
        word for word, _ in said if word not in marks
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("salt &amp; pepper &lt;3 &amp;lt;3 &#8364;5", "salt & pepper <3 <3 €5"),
        ("<p>One <b>two</b>, three.</p><br/>four", "One two, three.\n\nfour"),
        ('a<span style="x">b</span>c', "a b c"),
        ("if a <b and c > d, x <y>", "if a <b and c > d, x <y>"),
        ("un\u00adbro\u200bken \u200ehere\ufeff", "unbroken here"),
        ("क\u200cष 👩\u200d👧", "क\u200cष 👩\u200d👧"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("5\u00a0km,\u202f6\u2009km", "5 km, 6 km"),
        ("keep `a &amp; b` and\n```\n<b>&nbsp;  \n\n\nx\n```", "keep `a &amp; b` and\n```\n<b>&nbsp;  \n\n\nx\n```"),
        ("- one\n- two\n  - three", "- one\n- two\n  - three"),
        ("see https://x.example/a?utm_source=b&v=1&fbclid=c.", "see https://x.example/a?v=1."),
        ("(https://x.example/a?gclid=1#top)", "(https://x.example/a#top)"),
        ("https://x.example/watch?v=abc&page=2", "https://x.example/watch?v=abc&page=2"),
        ("[12/03/2024, 18:22:01] Asha: hi\n[12.03.24, 18:22] so", "Asha: hi\nso"),
    ],
)  # fmt: skip
def test_what_programs_write_goes_and_words_stay(text, left):
    assert standard(text) == left


@pytest.mark.parametrize(
    "placeholder",
    [
        *(
            "<Media omitted>",
            "<Medien ausgeschlossen>",
            "\u200eimage omitted",
            "\u200eaudio omitted",
        ),
        *(
            "Bild weggelassen",
            "imagen omitida",
            "vidéo absente",
            "immagine omessa",
            "imagem ocultada",
        ),
        *(
            "afbeelding weggelaten",
            "Pominięto obraz",
            "IMG-1.jpg (file attached)",
            "(file attached)",
        ),
        *("a b.pdf (Datei angehängt)", "a.opus (archivo adjunto)", "<attached: 0001-PHOTO.jpg>"),
        *("[image: image.png]", "[cid:image001.png@01D]", "<Anhang: 0001.jpg>"),
    ],
)
def test_a_placeholder_is_nobodys_words(placeholder):
    assert standard(placeholder) == ""
    assert standard(f"look\n{placeholder}\nnice") in {"look\nnice", "look\n\nnice"}


@pytest.mark.parametrize(
    "said",
    [
        "the image omitted the best part, we took a photo (file attached to the mail)",
        "we met at [12/03/2024, 18:22:01] sharp",
    ],
)
def test_words_about_pictures_and_times_are_words(said):
    assert standard(said) == said


def test_what_nests_for_ever_is_left_as_it_is():
    nested = "mine\n" + "-- \nsigned\n" * 200
    assert standard(nested.replace("\n", "\r\n")) == nested
    assert standard("mine\n" + "-- \nsigned\n" * 2) == "mine"


@pytest.mark.parametrize(
    "header",
    [
        "On Mon, Mar 3, 2025 at 10:00 AM Priya Nair <priya@x.example> wrote:",
        "Am 03.03.2025 um 10:00 schrieb Priya Nair:",
        "Le lun. 3 mars 2025 à 10:00, Priya Nair a écrit :",
        "El lun, 3 mar 2025 a las 10:00, Priya Nair (<priya@x.example>) escribió:",
        "Il giorno lun 3 mar 2025 alle ore 10:00 Priya Nair ha scritto:",
        "Em seg., 3 de mar. de 2025 às 10:00, Priya Nair escreveu:",
        "Op ma 3 mrt 2025 om 10:00 schreef Priya Nair:",
        "W dniu pon., 3 mar 2025 o 10:00 Priya Nair napisał(a):",
        "On Mon, Mar 3, 2025 at 10:00 AM Priya Nair\n<priya@x.example> wrote:",
    ],
)
def test_what_a_header_announces_is_anothers(header):
    assert standard(f"Mine.\n\n{header}\n> hers\n>\n> hers\n\nMine too.") == "Mine.\n\nMine too."
    assert standard(f"Mine.\n\n{header}\n\nhers, unmarked") == "Mine."


@pytest.mark.parametrize(
    "header",
    [
        "-----Original Message-----\nFrom: Priya\nSent: today\nTo: Asha\nSubject: x",
        "---------- Forwarded message ---------\nFrom: Priya",
        "-----Ursprüngliche Nachricht-----\nVon: Priya",
        "Von: Priya\nGesendet: Montag\nAn: Asha\nBetreff: x",
        "De : Priya\nEnvoyé : lundi\nÀ : Asha\nObjet : x",
        "De: Priya\nEnviado: lunes\nPara: Asha\nAsunto: x",
        "Da: Priya\nInviato: lunedì\nA: Asha\nOggetto: x",
        "Van: Priya\nVerzonden: maandag\nAan: Asha\nOnderwerp: x",
        "Od: Priya\nWysłano: poniedziałek\nDo: Asha\nTemat: x",
        "Begin forwarded message:\n\nFrom: Priya",
        "________________________________\nFrom: Priya",
        "-- \nAsha Rao",
    ],
)
def test_from_a_forwarded_message_or_a_signature_on_nothing_is_hers(header):
    assert standard(f"Mine.\n\n{header}\n\nhers") == "Mine."


@pytest.mark.parametrize(
    "text",
    [
        "On Monday Priya wrote:\nI love it",
        "> quoted in a note\nand mine",
        "From: here to there\nwe walked",
        "a -- b\n--\nc",
        "On 2024: nothing",
    ],
)
def test_what_only_looks_like_mail_stays(text):
    assert standard(text) == text


@given(texts)
def test_cut_at_any_border_no_word_is_lost(text):
    parts = list(blocks(text))
    assert joined(parts).split() == text.split()
    fine = [part for block in parts for part in sentences(block)]
    assert joined(fine).split() == text.split()
    assert " ".join(pieces(parts)).split() == text.split()
    end = tail(text, 30)
    assert len(end) <= 30
    assert not end or text.split()[-len(end.split()) :] == end.split()
    first = head(text, 30)
    assert len(first) <= 30
    assert text.split()[: len(first.split())] == first.split()


def test_a_paragraph_too_long_for_a_piece_is_cut_between_sentences():
    paragraph = ("The river was high and brown that day. " * 260).strip()
    found = list(pieces(blocks(paragraph)))
    assert len(paragraph) > 10_000
    assert " ".join(found) == paragraph
    assert all(len(piece) <= LONGEST and piece.endswith("day.") for piece in found)


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("before", range(0, 1300, 130))
def test_no_cut_parts_what_redaction_reads_together(kept, before):
    text = f"{'We walked on. ' * (before // 14)}\n\n{kept.strip()}\n\n{'Then it rained. ' * 90}"
    assert sum(kept.strip() in piece for piece in pieces(blocks(text))) == 1


def test_the_end_of_a_text_begins_at_no_value_without_its_label():
    for kept in KEPT:
        text = f"We walked on.\n\n{kept.strip()}\n\nThen it rained."
        ends = [tail(text, room) for room in range(15, len(text))]
        assert all(kept.strip() in end or kept.strip()[-6:] not in end for end in ends)
        assert any(kept.strip() in end for end in ends)


def test_the_beginning_of_a_text_ends_in_no_label_without_its_value():
    for kept in KEPT:
        text = f"We walked on.\n\n{kept.strip()}\n\nThen it rained."
        first = [head(text, room) for room in range(15, len(text))]
        assert all(kept.strip() in one or kept.strip()[:6] not in one for one in first)
        assert any(kept.strip() in one for one in first)
        assert head(text, len(text)) == text


def test_what_has_no_border_for_long_is_left_out():
    dump = "QUJD" * 2000
    assert list(pieces(blocks(f"Mine.\n\n{dump}\n\nMine too."))) == ["Mine.", "Mine too."]


def test_code_is_no_heading_and_is_never_cut():
    found = [
        block.heading
        for block in blocks("# One\n```\n# no\n\n# no\n```\nTWO THINGS\n\nTHREE\n===\nx")
    ]
    assert [one for one in found if one] == ["One", "THREE"]


def test_a_title_is_one_line_without_its_end():
    assert flat("##  So,\n what is\u00a0it?! ") == "So, what is it"
    assert flat("2024-03-12") == ""
    assert flat("word " * 100) == ""
