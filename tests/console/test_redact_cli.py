"""`twin redact`: lines in, lines out, and nothing that a text holds can stop it."""

import json
import resource
from typing import Any

import pytest

from projections.redaction.kinds import Kind

MAIL = "quorvin.elbet@marnovpost.com"
TYPES = {kind.name for kind in Kind}


def lines(*texts: str, **rest: object) -> str:
    return "".join(json.dumps({"text": text, **rest}) + "\n" for text in texts)


def answers(done: Any) -> list[dict[str, Any]]:
    assert done.status == 0, done.err
    return [json.loads(line) for line in done.out.split("\n") if line]


def roster(folder, *names: str):
    path = folder / "roster.json"
    people = [
        {
            "id": number,
            "names": [name],
            "emails": [f"p{number}@brelunpost.net"],
            "handles": [f"handle{number}x"],
            "phones": [f"+4915{number:09d}"],
        }
        for number, name in enumerate(names)
    ]
    path.write_text(json.dumps(people))
    return str(path)


def covered(answer: dict[str, Any], text: str, secret: str) -> bool:
    at = text.index(secret)
    masked = {n for start, end, *_ in answer["spans"] for n in range(start, end)}
    return secret not in answer["text"] and masked >= set(range(at, at + len(secret)))


def cpu(work) -> float:
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    work()
    return spent() - before


def test_each_line_is_answered_in_order_with_spans_of_the_input(twin):
    texts = [f"one {MAIL}", "two, nothing here", "three: 4539 1488 0343 6467 is the card"]
    one, two, three = answers(twin("redact", text=lines(*texts)))
    assert covered(one, texts[0], MAIL)
    assert two == {"text": texts[1], "spans": []}
    assert covered(three, texts[2], "4539 1488 0343 6467")
    ((start, end, type_, person),) = one["spans"]
    assert (texts[0][start:end], type_, person) == (MAIL, "EMAIL", None)


def test_it_needs_no_vault_and_makes_none(twin):
    answers(twin("redact", text=lines("hello")))
    assert not twin.home.exists()


def test_nothing_in_nothing_out(twin):
    assert answers(twin("redact")) == []


def test_other_fields_and_blank_lines_are_passed_over(twin):
    text = "\n" + lines("a", id=4, spans=[[0, 1, "X"]]) + "   \n\n" + lines("b").rstrip("\n")
    assert [answer["text"] for answer in answers(twin("redact", text=text))] == ["a", "b"]


@pytest.mark.parametrize(
    "bad",
    ['{"text": "x"', "[]", '"x"', "null", '{"txt": "x"}', '{"text": 3}', '{"text": null}', "x"],
)
def test_a_line_that_is_no_item_is_refused_by_its_number(twin, bad):
    done = twin("redact", text=lines("fine") + bad + "\n" + lines("never"))
    assert done.status == 2
    assert "line 2" in done.err.lower()
    assert "Traceback" not in done.err
    assert [json.loads(line)["text"] for line in done.out.split("\n") if line] in ([], ["fine"])


@pytest.mark.parametrize(
    "content", ["", "{}", "[3]", '[{"id": 1}]', '[{"id": 1, "names": "Ana"}]', "[" * 10_000]
)
def test_a_roster_that_is_none_is_refused(twin, tmp_path, content):
    path = tmp_path / "roster.json"
    path.write_text(content)
    done = twin("redact", "--roster", str(path), text=lines("x"))
    assert done.status == 2
    assert "Traceback" not in done.err
    assert done.out == ""


def test_known_people_are_told_by_their_number_in_the_roster(twin, tmp_path):
    path = roster(tmp_path, "Zofia Brzezik", "Henning Ostrau")
    texts = ["Ostrau called, then Zofia", "write to p1@brelunpost.net"]
    one, two = answers(twin("redact", "--roster", path, text=lines(*texts)))
    told = {texts[0][start:end]: person for start, end, _, person in one["spans"]}
    assert (told["Ostrau"], told["Zofia"]) == (1, 0)
    assert [person for *_, person in two["spans"]] == [1]


def test_profiles_mask_less_and_less(twin, tmp_path):
    path = roster(tmp_path, "Zofia Brzezik")
    text = f"Zofia Brzezik, {MAIL}, works at the bank since 12 March 2019"
    masked = [
        len(
            answers(twin("redact", "--profile", profile, "--roster", path, text=lines(text)))[0][
                "spans"
            ]
        )
        for profile in ("strict", "balanced", "names-only", "none")
    ]
    assert masked == sorted(masked, reverse=True)
    assert masked[0] > masked[2] >= 1
    assert masked[3] == 0
    assert twin("redact", "--profile", "loose", text=lines("x")).status == 2


def test_surrogates_are_one_for_each_person_and_none_of_the_roster(twin, tmp_path):
    path = roster(tmp_path, "Zofia Brzezik", "Henning Ostrau")
    texts = ["Zofia Brzezik came", "so did Henning Ostrau", "and Zofia Brzezik left"]
    first, second, third = (
        answer["text"]
        for answer in answers(twin("redact", "--surrogates", "--roster", path, text=lines(*texts)))
    )
    assert first.removesuffix(" came") == third.removeprefix("and ").removesuffix(" left")
    assert first.removesuffix(" came") != second.removeprefix("so did ")
    assert not {"Zofia", "Brzezik", "Henning", "Ostrau"} & set(f"{first} {second} {third}".split())


def test_types_are_those_of_the_sets(twin):
    text = f"Dr. Ann Mills, {MAIL}, +49 151 23456789, DE89 3704 0044 0532 0130 00, 8.8.8.8, Paris"
    (answer,) = answers(twin("redact", text=lines(text)))
    assert {type_ for _, _, type_, _ in answer["spans"]} <= TYPES


BOMBS = {
    "one letter": "a",
    "ats": "a@",
    "half mails": "a.b-c@d.",
    "dashes": "1-",
    "digits": "1",
    "spaced digits": "1 ",
    "brackets": "([{<",
    "quotes": "\"'`",
    "dots": "A.",
    "percent": "%41",
    "percent of percent": "%25",
    "quoted-printable": "=41",
    "entities": "&#65;",
    "half entities": "&#",
    "escapes": "\\u0041",
    "base64": "QUJD",
    "hex": "deadBEEF0",
    "links": "http://a.",
    "keys": "key=",
    "capitals": "Ab ",
    "titles": "Mr. ",
    "streets": "12 Ab Street, ",
    "spaces": " ",
    "lines": "\n",
    "zero": "\0",
    "zero-width": "\u200b",
    "joined emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 ",
    "emoji": "\U0001f600",
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd \u202c",
    "marks": "e" + "\u0301" * 9,
    "half a pair": "\ud800",
    "other half": "\udfff ",
    "private use": "\ue000",
    "ligature": "\ufdfa",
    "full width": "\uff11\uff12 ",
    "dotted i": "\u0130",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_text_stops_it_and_what_stands_between_is_still_found(twin, tmp_path, bomb):
    path = roster(tmp_path, "Zofia Brzezik")
    wall = (bomb * (20_000 // len(bomb)))[:20_000]
    text = f"{wall} {MAIL} and Zofia Brzezik {wall}"
    (answer,) = answers(twin("redact", "--roster", path, text=lines(text), timeout=60))
    assert covered(answer, text, MAIL)
    assert covered(answer, text, "Zofia Brzezik")


def test_broken_halves_of_characters_come_back_as_they_were(twin):
    texts = ["\ud800", "a\udfffb", "\udc00\ud800"]
    assert [answer["text"] for answer in answers(twin("redact", text=lines(*texts)))] == texts


def test_a_text_of_emoji_alone_is_left_as_it_is(twin):
    text = (
        "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f1f5\U0001f1f1\u2764\ufe0f"
        * 50
    )
    assert answers(twin("redact", text=lines(text))) == [{"text": text, "spans": []}]


def test_names_among_letters_from_right_to_left_are_found(twin, tmp_path):
    path = roster(tmp_path, "\u05e9\u05e8\u05d4 \u05dc\u05d5\u05d9", "Zofia Brzezik")
    text = "\u202b\u05e4\u05d2\u05e9\u05ea\u05d9 \u05d0\u05ea \u05e9\u05e8\u05d4 \u05dc\u05d5\u05d9 Zofia Brzezik\u202c"
    (answer,) = answers(twin("redact", "--roster", path, text=lines(text)))
    assert covered(answer, text, "\u05e9\u05e8\u05d4 \u05dc\u05d5\u05d9")
    assert covered(answer, text, "Zofia Brzezik")


def _prose(size: int) -> str:
    piece = f"On 3 May Ann Mills of Acme wrote to {MAIL} about 12 Elm Street.\n"
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.parametrize("bomb", ["a@", "1 ", "Ab ", "%41", "QUJD", "\u200b", "12 Ab Street, "])
@pytest.mark.slow
def test_four_times_the_bomb_takes_about_four_times_as_long(twin, bomb):
    def run(size):
        return cpu(lambda: answers(twin("redact", text=lines((bomb * size)[:size]), timeout=600)))

    empty, small, large = run(1), run(200_000), run(800_000)
    assert large - empty < 7 * max(small - empty, 0.2)


@pytest.mark.slow
def test_ten_megabytes_in_one_item(twin):
    text = _prose(10_000_000)
    (answer,) = answers(twin("redact", text=lines(text), timeout=900))
    assert MAIL not in answer["text"]
    assert "Ann Mills" not in answer["text"]
    assert len(answer["spans"]) > text.count(MAIL)


def _invented(number: int) -> str:
    """Return a name of six syllables, another for each number."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]

    def spelled(rest: int) -> str:
        return "".join(syllables[rest // 70**place % 70] for place in range(3)).capitalize()

    return f"{spelled(number)} {spelled(number * 7919 % 70**3)}"


@pytest.mark.slow
def test_fifty_thousand_people(twin, tmp_path):
    names = [_invented(number) for number in range(50_000)]
    asked = range(0, 12_500, 2500)
    texts = [f"yesterday {names[number]} came by with the keys" for number in asked]

    def run(people):
        path = roster(tmp_path, *people)
        return answers(twin("redact", "--roster", path, text=lines(*texts), timeout=600))

    small = cpu(lambda: run(names[:12_500]))
    large = cpu(lambda: run(names))
    assert large < 7 * small
    for number, text, answer in zip(asked, texts, run(names), strict=True):
        assert covered(answer, text, names[number])
        assert number in [person for *_, person in answer["spans"]]
