"""Strangers, places and organisations: what the shipped model finds, and how one is made."""

import random
import subprocess
import sys
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.redaction import make_names, names
from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Kind
from projections.redaction.model import Model
from projections.redaction.names import shipped
from projections.redaction.naming import texts, weighing
from projections.redaction.naming.carriers import Filler, patterns
from projections.redaction.naming.crf import Sentence, fit
from projections.redaction.naming.features import (
    EDGE,
    JOINTS,
    TOKEN,
    Lexicon,
    chunks,
    digest,
    joined,
    joint,
    word,
)
from projections.redaction.naming.stock import LANGUAGES, Stock
from projections.redaction.naming.texts import Mark, Marked
from projections.redaction.naming.weights import LABELS, Weights
from tests.linear import growth

FILE = Path(names.__file__).with_name("names.bin")
_MODEL = Model(FILE.read_bytes())


def found(text, kind=None, model=None):
    fold = folded(composed(text))
    spans = (model or shipped()).find(fold)
    return [fold.text[s.start : s.end] for s in spans if kind in (None, s.kind)]


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("hey Brunhilka, are you around later?", "Brunhilka"),
        ("my sister Zorvane moved to London last month", "Zorvane"),
        ("I talked to Quentrell Okwabi about the rent.", "Quentrell Okwabi"),
        ("did you see what yolandreth did last night", "yolandreth"),
        ("Kind regards,\nTherza Wolmarick", "Therza Wolmarick"),
        ("Sehr geehrte Frau Dranzfelder,", "Dranzfelder"),
        ("Ich habe gestern mit Kelvara telefoniert.", "Kelvara"),
        ("Bonjour Madame Trévuillon, voici la facture.", "Trevuillon"),
        ("Un abrazo, Maruxela", "Maruxela"),
        ("ho parlato con Gervasino ieri sera", "Gervasino"),
        ("A minha irmã Joelmira chegou ontem.", "Joelmira"),
        ("Mijn buurman Tjerkstra heeft de kat gevonden.", "Tjerkstra"),
        ("Pozdrawiam,\nBrzesława Kundziel", "Brzeslawa Kundziel"),
    ],
)
def test_people_on_no_list_are_found_by_form_and_context(text, person):
    assert person in found(text, Kind.PERSON)


@pytest.mark.parametrize(
    "text",
    [
        "I can't believe it's already Monday.",
        "Your order has been shipped and will arrive on Tuesday.",
        "Die Besprechung wurde auf Donnerstag verschoben, bitte den Vertrag mitbringen.",
        "La réunion est reportée à jeudi, merci de votre patience.",
        "nothing to see here, just walking home from school",
        "",
    ],
)
def test_plain_talk_holds_no_names(text):
    assert found(text) == []


def test_places_and_organisations_are_told_apart_from_people():
    text = "Mr. Hendrick flew from London to Germany to work at Siemens."
    assert found(text, Kind.LOC) == ["London", "Germany"]
    assert found(text, Kind.ORG) == ["Siemens"]
    assert found(text, Kind.PERSON) == ["Hendrick"]


def test_a_title_before_a_name_is_told_as_a_trade():
    assert found("Please ask Dr. Hendrickson about it.", Kind.JOB) == ["Dr"]
    assert found("Please ask the doctor about it.", Kind.JOB) == []


def test_a_name_set_apart_from_its_sign_is_a_handle():
    assert found("lol @ zorvane92 you are late", Kind.HANDLE) == ["@ zorvane92"]


def test_spans_are_in_order_and_do_not_overlap():
    text = "Anna Kowalska and Peter Braun met Dr. Silva in Rome. " * 50
    spans = list(shipped().find(folded(text)))
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(text[s.start : s.end].strip() for s in spans)


def test_names_beyond_the_first_piece_of_a_long_text_are_found():
    text = "so it goes and goes. " * 5000 + "I talked to Quentrell Okwabi about it."
    assert found(text, Kind.PERSON) == ["Quentrell Okwabi"]
    unbroken = "x" * 100_000 + " I talked to Quentrell Okwabi about it."
    assert "Quentrell Okwabi" in found(unbroken, Kind.PERSON)


def test_pieces_of_a_text_are_all_of_it_and_small():
    for text in ("", "a", "word " * 30_000, "x" * 70_000, "line\n" * 30_000):
        cut = list(chunks(text))
        assert "".join(text[start:end] for start, end in cut) == text
        assert all(end - start <= 20_000 for start, end in cut)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_without_harm(text):
    fold = folded(composed(text))
    for span in shipped().find(fold):
        assert 0 <= span.start < span.end <= len(fold.text)


@pytest.mark.parametrize(
    "piece",
    [
        "\U0001f600",
        "\u202eabc ",
        "\ud800",
        "A",
        "Anna ",
        "@",
        "'s",
        "http://x.y/",
        "\n",
        " ",
        "a.b@",
    ],
)
def test_bad_texts_take_time_that_grows_with_their_length_only(piece):
    model = Model(FILE.read_bytes())

    def find(size):
        return list(model.find(folded(piece * (size // len(piece)))))

    assert growth(find, 10_000, 80_000) < 30


def test_memory_stays_bounded_however_many_words_there_are(monkeypatch):
    monkeypatch.setattr(weighing, "_CACHED", 100)
    model = Model(FILE.read_bytes())
    texts = [folded(f"Zor{number}ka walks with Anna Kowalska") for number in range(500)]
    assert [list(model.find(text)) for text in texts] == shipped().find_all(texts)
    assert len(model._words) <= 100 + 8


def test_many_texts_at_once_have_the_names_that_each_has_alone():
    lines = [line for line in texts_of_all_kinds() if line]
    many = [folded(composed(line)) for line in lines]
    assert shipped().find_all(many) == [list(shipped().find(one)) for one in many]


def texts_of_all_kinds():
    yield from ("hey Brunhilka", "", "\n\n", "x" * 45_000 + " Anna Kowalska", "ANNA " * 300)
    yield from (
        "\U0001f600 @ zorvane92",
        "Dr. Silva met Mrs Brown in Rome.",
        "\ud800 Anna",
        "王小明",
    )


@given(
    st.lists(
        st.sampled_from(["Anna", "of", "'s", "\n", ".", "42", "zoë", "@x", "#y", "王"]),
        min_size=4,
        max_size=4,
    )
)
def test_digests_of_several_words_follow_from_those_of_the_words(tokens):
    model = _MODEL
    known = [word(token, model._words._lexicon) for token in tokens]
    numbers = model._words.numbered(tokens)[:, None]
    asked = [
        digest(joint(name, key))
        for name, key in zip(JOINTS, joined(known[1], known[2], known[3], known[0]), strict=True)
    ]
    assert [int(found[0]) for found in model._words._joined(*numbers)] == asked


@given(
    st.lists(st.lists(st.integers(-40, 40), min_size=5, max_size=5), min_size=1, max_size=4),
    st.lists(st.integers(-20, 20), min_size=25, max_size=25),
)
def test_the_best_way_through_labels_is_the_best_of_all_ways(scores, steps):
    table = np.array(steps).reshape(5, 5)

    def worth(way):
        if any(b and b % 2 == 0 and a not in (b - 1, b) for a, b in pairwise((0, *way))):
            return -(10**9)
        inside = sum(score[label] for score, label in zip(scores, way, strict=True))
        return inside + sum(int(table[a, b]) for a, b in pairwise((0, *way, 0)))

    path = weighing.Path(steps, 5)
    begins, runs = np.array([0]), np.array([len(scores)])
    way = path._labels(begins, runs, np.array(scores, np.int16)).tolist()
    assert worth(way) == max(map(worth, product(range(5), repeat=len(scores))))


def test_what_was_read_before_changes_nothing():
    text = "I met Anna Kowalska at Siemens in Rome with quentrell"
    fresh = list(Model(FILE.read_bytes()).find(folded(text)))
    warm = Model(FILE.read_bytes())
    list(warm.find(folded("Quentrell and Rome and siemens, anna! " * 30)))
    assert list(warm.find(folded(text))) == fresh


def test_the_shipped_model_is_small_loads_once_and_tells_its_version():
    assert FILE.stat().st_size <= 5_000_000
    assert shipped() is shipped()
    assert shipped().version == Model(FILE.read_bytes()).version
    other = Weights.unpacked(FILE.read_bytes())
    changed = Weights(other.lexicon, other.steps[::-1], other.keys, other.values)
    assert Model(changed.packed()).version != shipped().version


def test_looking_for_names_needs_no_library_of_learning():
    code = (
        "import sys; from projections.redaction.names import shipped;"
        "assert 'numpy' not in sys.modules;"
        "from projections.redaction.fold import folded; list(shipped().find(folded('Hi Anna')));"
        "assert not {'scipy', 'sklearn', 'torch', 'faker'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_tokens_stand_apart_as_the_model_learned_them():
    text = "Eric's @ anna, O'Brien: www.x.y?name=Jo\n\n  Hi... #tag"
    assert [match[0] for match in TOKEN.finditer(text)] == [
        "Eric", "'s", "@ anna", ",", "O", "'", "Brien", ":", "www.x.y", "?", "name", "=", "Jo",
        "\n\n  ", "Hi", "...", "#tag",
    ]  # fmt: skip


# Making a model.

STOCK = {
    language: Stock(("Anna", "Peter", "Marta"), ("Kowal", "Braun", "Silva"), ("Rome", "Oslo"))
    for language in (*LANGUAGES, "abroad")
}


def test_a_small_model_learns_and_the_same_input_gives_the_same_bytes():
    filler = Filler(STOCK, 1)
    lines = ["{P} is here", "hello {P}", "from {C} to {C}", "it is late", "Now we go"]
    made = [filler.filled(lines[at % len(lines)], "en") for at in range(400)]
    read = [make_names._Read(*texts.labelled(one)) for one in made]
    fitted = [make_names.weights(read, Lexicon(), 4).packed() for _ in range(2)]
    assert fitted[0] == fitted[1]
    model = Model(fitted[0])
    assert found("hello Gudrun", Kind.PERSON, model) == ["Gudrun"]
    assert found("it is late", None, model) == []


def test_weights_survive_the_file():
    weights = Weights.unpacked(FILE.read_bytes())
    assert weights.packed() == FILE.read_bytes()
    assert len(weights.values) == len(weights.keys) * LABELS
    assert len(weights.lexicon.given) > 1000


def test_slopes_of_the_field_are_those_of_its_loss():
    rng = random.Random(0)
    sentences = [
        Sentence([[rng.randrange(6) for _ in range(2)] for _ in range(size)],
                 [rng.randrange(3) for _ in range(size)])
        for size in (1, 3, 5)
    ]  # fmt: skip
    import numpy as np  # noqa: PLC0415

    from projections.redaction.naming import crf  # noqa: PLC0415

    batch = crf._batch(sentences)
    numbers = np.random.default_rng(0)
    weights, steps = numbers.normal(size=(6, 3)), numbers.normal(size=(3, 3))
    kept = np.ones(len(batch.where))

    def loss(weights, steps):
        scores = crf._scores(batch, kept, weights[batch.used])
        return crf._slopes(scores, steps, batch.gold)

    _, slope, step_slope = loss(weights, steps)
    own = crf._gathered(batch, kept, slope.reshape(-1, 3)[batch.place], len(batch.used))
    small = 1e-6
    for at, label in ((0, 0), (3, 2)):
        moved = weights.copy()
        moved[batch.used[at], label] += small
        assert own[at, label] == pytest.approx(
            (loss(moved, steps)[0] - loss(weights, steps)[0]) / small, rel=1e-3, abs=1e-4
        )
    moved = steps.copy()
    moved[1, 2] += small
    assert step_slope[1, 2] == pytest.approx(
        (loss(weights, moved)[0] - loss(weights, steps)[0]) / small, rel=1e-3, abs=1e-4
    )


def test_the_field_learns_steps_between_labels():
    sentences = [Sentence([[0], [0], [0]], [0, 1, 2]) for _ in range(200)]
    fitted = fit(sentences, 1, 3, 30)
    assert fitted.steps[0, 1] > fitted.steps[0, 0]
    assert fitted.steps[1, 2] > fitted.steps[1, 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_hundreds_of_patterns_and_marks_what_it_fills(language):
    assert len(patterns(language)) > 200
    filler = Filler(STOCK, 3)
    for one in filler.texts(language, 300):
        assert "{" not in one.text.replace('{"', "")
        for mark in one.marks:
            inside = one.text[mark.start : mark.end]
            assert inside == inside.strip()
            assert inside


def test_patterns_are_filled_alike_from_the_same_seed():
    assert list(Filler(STOCK, 5).texts("de", 50)) == list(Filler(STOCK, 5).texts("de", 50))
    assert list(Filler(STOCK, 5).texts("de", 50)) != list(Filler(STOCK, 6).texts("de", 50))


def test_labels_follow_marks_and_leave_leading_signs_out():
    one = Marked("RT @ anna : (Jo Braun) in Oslo", (
        Mark(3, 4, Kind.PERSON), Mark(5, 9, Kind.PERSON), Mark(12, 21, Kind.PERSON),
        Mark(26, 30, Kind.LOC),
    ))  # fmt: skip
    tokens, labels = texts.labelled(one)
    assert [(t, n) for t, n in zip(tokens, labels, strict=True) if n] == [
        ("@ anna", 1), ("Jo", 1), ("Braun", 2), ("Oslo", 5),
    ]  # fmt: skip


def test_a_handle_that_no_set_marks_is_a_person():
    assert texts.labelled(Marked("@paul hi", ()))[1] == [1, 0]
    assert texts.labelled(Marked("@paul hi", ()), handles=False)[1] == [0, 0]


def test_marks_move_with_the_text():
    one = Marked(
        "hi @ anna , it is n't Jo 's", (Mark(5, 9, Kind.PERSON), Mark(22, 24, Kind.PERSON))
    )
    tight = texts.tightened(one)
    assert tight.text == "hi @anna, it isn't Jo's"
    assert [tight.text[m.start : m.end] for m in tight.marks] == ["anna", "Jo"]
    other = texts.replaced(tight, lambda _, name: name * 2)
    assert [other.text[m.start : m.end] for m in other.marks] == ["annaanna", "JoJo"]
    for seed in range(60):
        made = texts.cased(one, random.Random(seed))
        inside = [made.text[m.start : m.end].lower() for m in made.marks]
        assert inside == ["anna", "jo"]


def test_held_out_texts_are_not_read(tmp_path):
    import gzip  # noqa: PLC0415
    import json  # noqa: PLC0415

    said = [f"Anna number {number}" for number in range(200)]
    with gzip.open(tmp_path / "a.gz", "wt", encoding="utf-8") as file:
        for text in said:
            file.write(json.dumps({"text": text, "spans": [[0, 4, "PERSON"]]}) + "\n")
    read = {one.text for one in texts.read(tmp_path / "a.gz")}
    assert read == {text for text in said if not texts.held_out(text)}
    assert 150 < len(read) < 200


def test_the_end_of_a_text_is_read_like_the_end_of_a_line():
    assert word(EDGE, Lexicon()).case == "n"
    assert word("\n\n  ", Lexicon()) == word(EDGE, Lexicon())
