import pytest

from vault.collectors.readers.rtf import read_rtf
from vault.collectors.readers.tree import Unreadable


def text(body):
    return read_rtf(b"{\\rtf1\\ansi\\ansicpg1252\\deff0" + body + b"}").text


FONTS = (
    b"{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial Cyr;}{\\f2\\fcharset128 MS Mincho;}"
    b"{\\f3\\fcharset238 Arial CE;}}"
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b" plain words", "plain words"),
        (b" two\\par three", "two\n\nthree"),
        (b" caf\\'e9 \\'93so\\'94", "café “so”"),
        (b"\\u8364?\\u-10179?\\u-8704? \\uc0\\u65 B", "€😀 AB"),
        (b"\\uc2\\u8364\\'80\\'80!", "€!"),
        (FONTS + b"{\\f1 \\'cf\\'f0\\'e8}{\\f2 \\'93\\'fa\\'96\\'7b}{\\f3 \\'e8}", "При日本č"),
        (FONTS + b"\\f2\\'83a\\'83\\'5c", "ヂソ"),
        (b" a\\{b\\}c\\\\d\\~e\\_f\\-g", "a{b}c\\d e\u2011fg"),
        (b" a\\tab b\\line c\\emdash\\bullet", "a\tb\nc—•"),
        (b" one\\\ntwo", "one\n\ntwo"),
        (b"{\\pard\\outlinelevel1\\b Far\\par}\\pard near", "## Far\n\nnear"),
        (b"{\\listtext\\'b7\\tab}a\\par{\\pntext\\'b7}b\\par c", "- a\n- b\n\nc"),
        (b"\\trowd\\intbl a\\par b\\cell c\\cell\\row\\intbl d\\cell\\cell\\row\\pard e",
         "a b | c\nd |\n\ne"),
        (b"{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt link}}", "link"),
        (b"{\\header top}{\\pict 8950}{\\*\\unknown x}{\\*\\generator y}{\\v hidden}seen", "seen"),
        (b"{\\deleted gone}{\\colortbl;\\red1;}{\\stylesheet{\\s1 heading 1;}}kept", "kept"),
        (b"\\bin4 }}}} after", "after"),
        (b"{\\upr{ansi}{\\*\\ud{\\u1055?}}}", "П"),
        (b"{\\shp{\\*\\shpinst{\\sp{\\sn a}{\\sv 1}}{\\shptxt box}}{\\shprslt box}}", "box"),
        (b" word{\\footnote  the note}.", "word[^1].\n\n[^1]: the note"),
    ],
)  # fmt: skip
def test_rich_text_is_read_as_it_is_seen(body, expected):
    assert text(body) == expected


def test_a_rich_text_says_who_wrote_it_and_when():
    document = read_rtf(
        b"{\\rtf1{\\info{\\title \\'dcber}{\\author Ada}{\\operator Bob}{\\keywords a, b}"
        b"{\\creatim\\yr2024\\mo3\\dy4\\hr5\\min6}{\\revtim\\yr2024\\mo12\\dy31\\hr23\\min59\\sec9}}"
        b"words{\\*\\atnid B}{\\*\\atnauthor Bob}{\\*\\annotation Nice.}}"
    )
    assert (document.title, document.authors, document.editors) == ("Über", ("Ada",), ("Bob",))
    assert (document.created, document.modified) == ("2024-03-04T05:06:00", "2024-12-31T23:59:09")
    assert (document.text, document.comments) == ("words", ("Bob: Nice.",))
    assert document.keywords == "a, b"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{\\rtf1 never closed", "never closed"),
        (b"{\\rtf1 }}}} after", "after"),
        (b"{\\rtf1 " + b"{" * 9000 + b"deep", "deep"),
        (b"{\\rtf1\\bin99999999 x", ""),
        (b"{\\rtf1\\ansicpg99999\\fcharset999\\uc-7\\u99999999 x\\'", "x"),
        (b"{\\rtf1\\", ""),
    ],
)
def test_broken_rich_text_gives_what_it_holds(data, expected):
    assert read_rtf(data).text.endswith(expected)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"plain", "it is no rich text"), (b"{\\rtf1 " + b"{" * 20_000, "it is nested too deeply")],
)
def test_what_is_no_rich_text_is_told(data, reason):
    with pytest.raises(Unreadable, match=reason):
        read_rtf(data)
