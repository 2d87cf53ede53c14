"""What teaches nobody's voice, and what does although it is odd."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.quality import poor

TRACE = """Traceback (most recent call last):
  File "/srv/app/main.py", line 14, in <module>
    run()
  File "/srv/app/main.py", line 9, in run
    return 1 / 0
ZeroDivisionError: division by zero"""
LOG = """2024-05-01 10:22:31,004 INFO started
2024-05-01 10:22:32,118 WARN slow answer
2024-05-01 10:22:40,007 ERROR gone"""
CODE = """function f(a) {
  const b = a * 2;
  return b + 1;
}"""
JSON = (
    '{"id": 17, "name": "lamp", "tags": ["a", "b"], "size": {"w": 2, "h": 3}, "on": true, "x": {}}'
)
TABLE = "\n".join(f"{n} {n * 7} {n * 13}.5 total" for n in range(20))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\u200b\ufeff ", "empty"),
        ("-----\n=====", "no words"),
        ("https://example.org/a?b=c", "link"),
        ("<https://example.org>\nwww.example.org", "link"),
        ("> I said no.\n> And I meant it,\n> every word.\n\nok", "quoted"),
        ("buy now " * 30, "repeated"),
        ("a" * 60 + "!", "repeated"),
        (base64.b64encode(bytes(range(200))).decode(), "encoded"),
        ("0123456789abcdef" * 4, "encoded"),
        (TRACE, "encoded"),
        (LOG, "encoded"),
        (CODE, "encoded"),
        (JSON, "encoded"),
        (TABLE, "machine"),
    ],
)
def test_what_nobody_wrote_is_named(text, reason):
    assert poor(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f602",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "ok",
        "?",
        "...",
        ":)",
        "8:30",
        "hahahahahahahahahahahahahahahahahahahahahahaha",
        "nooooooooooo",
        "no no no no no no",
        "<3 <3",
        "> Will you come on Sunday?\n\nYes, and I bring the cake.",
        "So I wrote\n  a = 1;\n  b = 2;\n  c = 3;\nand it still fails.\nDo you see why?\nI do not.\nHelp!",
        "look at this https://example.org/a",
        "> I said no.\n\nYes, and you were right, I should have listened to you that day.",
        "Call me on 030 123456 or 0171 9876543 after 8, not before 7.",
        "Donaudampfschifffahrtsgesellschaftskapitän!",
        "我们明天早上八点在火车站见面然后一起去看你奶奶我们明天早上八点在火车站见面",
        "I changed `main.py`: it said `return 1 / 0;` there, which is why it broke on your side.",
        "=" * 40 + "\nOn Sunday we meet at ten, and whoever is late brings cake for all of us.",
        "milk;\neggs;\nwhat else did you want me to bring?\nand should I come early?\nor late?",
    ],
)
def test_what_somebody_wrote_stays(text):
    assert poor(text) == ""


def test_a_verse_that_comes_back_is_no_spam():
    verse = "Row, row, row your boat, gently down the stream, "
    assert poor(verse + "merrily, merrily, merrily, merrily, life is but a dream. " + verse) == ""


def test_in_a_long_text_words_may_come_back():
    pick = random.Random(1)
    vocabulary = ["".join(pick.choices("abcdefghij", k=6)) for _ in range(400)]
    assert poor(" ".join(pick.choices(vocabulary, k=3000))) == ""


@given(st.text())
def test_any_text_is_judged(text):
    assert poor(text) in {
        "",
        "empty",
        "no words",
        "link",
        "quoted",
        "repeated",
        "encoded",
        "machine",
    }


@given(
    st.lists(
        st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12), min_size=1, max_size=19
    )
)
def test_a_few_plain_words_always_stay(words):
    assert poor(" ".join(words)) == ""
