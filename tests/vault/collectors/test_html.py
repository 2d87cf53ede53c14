import pytest

from vault.collectors.readers.html import looks_like_html, read_html


def text(body):
    return read_html(f"<html><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>one\n two&nbsp;three</p><p>four<br>five</p>", "one two three\n\nfour\nfive"),
        ("<h2>Far <i>away</i></h2>words", "## Far away\n\nwords"),
        ("<ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul>", "- a\n  - b\n- c"),
        ("<ol><li>a</li><li>b</li></ol>after", "1. a\n2. b\n\nafter"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>c<td>d</table>", "a | b\nc | d"),
        ("<pre>  two\n    four</pre>", "  two\n    four"),
        ("<script>x</script><style>y</style><nav>z</nav><svg>s</svg>kept", "kept"),
        ("<button>no</button><select><option>no</select><p hidden>no</p>kept", "kept"),
        ("<div><div>a</div>b</div>", "a\n\nb"),
        ("<p>never <b>closed", "never closed"),
        ("5 &lt; 6 &amp; &#128512;", "5 < 6 & 😀"),
        (f"side<article>{'words ' * 60}</article>", ("words " * 60).strip()),
    ],
)
def test_a_page_is_what_its_reader_sees(body, expected):
    assert text(body) == expected


def test_a_page_says_what_it_is():
    page = read_html(
        b'<html lang="de-AT"><head><title> Meine\n Seite </title><meta name="Author" content="Ada">'
        b'<meta property="article:published_time" content="2020-01-02T03:04:05+01:00">'
        b'<meta name="keywords" content="a, b"></head><body>x</body></html>'
    )
    assert (page.title.split(), page.authors, page.language) == (
        ["Meine", "Seite"],
        ("Ada",),
        "de-AT",
    )
    assert (page.created, page.keywords) == ("2020-01-02T03:04:05+01:00", "a, b")
    assert not page.published


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html>\n<!-- saved from url=(0024)https://example.org/a -->\n<html><body>x",
        '<html><head><link rel="canonical" href="https://example.org/"></head><body>x',
        '<html><head><meta property="og:url" content="https://example.org/"></head><body>x',
        "<!DOCTYPE html> <html><!--\n Page saved with SingleFile \n url: x --><body>x",
    ],
)
def test_a_page_that_was_taken_from_somewhere_is_told_from_ones_own(page):
    assert read_html(page.encode()).published


@pytest.mark.parametrize(
    "data",
    [
        "<html><meta charset=iso-8859-1><p>caf\xe9 \xfc</p></html>".encode("latin-1"),
        '<html><meta http-equiv="x" content="text/html; charset=windows-1252"><p>café ü</p>'.encode(
            "cp1252"
        ),
        "<html><p>café ü</p>".encode("utf-16"),
        "<html><p>café ü</p>".encode(),
    ],
)
def test_the_charset_that_a_page_declares_is_believed_where_it_fits(data):
    assert read_html(data).text == "café ü"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"<!DOCTYPE HTML PUBLIC x>", True),
        (b"\xef\xbb\xbf \n<html lang=en>", True),
        (b'<?xml version="1.0"?>\n<!-- a --><!-- b -->\n<html>', True),
        ("<html>".encode("utf-16"), True),
        (b"<htmlish>", False),
        (b"words <html>", False),
        (b"<svg>", False),
    ],
)
def test_pages_are_known_by_how_they_begin(head, expected):
    assert looks_like_html(head) is expected
