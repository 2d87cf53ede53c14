"""What the benchmark of redaction counts, on texts small enough to count by hand."""

import json
import random
import re
import sys
from pathlib import Path

import pytest

from benchmarks.redaction.__main__ import main
from benchmarks.redaction.door import redact, spans
from benchmarks.redaction.figures import Figure, as_json, table
from benchmarks.redaction.labelling import recall_at
from benchmarks.redaction.metrics import Span, hiding, naming, share, words_masked
from benchmarks.redaction.parts import LANGUAGES, Bench
from benchmarks.redaction.reading import Entity, Text, found, labelled, marked, own, parsed, stored
from projections.sensitive import CATEGORIES

TEXT = Text("Ana-Lu met Bo at noon.", (Entity(0, 6, "PERSON"), Entity(11, 13, "PERSON")))


def NOBODY(_name):  # noqa: N802 - a list of names with nobody on it
    return False


def of(*masked: tuple[int, int]):
    return hiding([TEXT], [[Span(start, end, "PERSON") for start, end in masked]])


def test_an_entity_is_hidden_when_its_letters_are_whatever_stands_between():
    assert of((0, 3), (4, 6)).hidden["PERSON"] == 1
    assert of((0, 5)).hidden["PERSON"] == 0
    assert of((0, 6), (11, 13)).leak == 0
    assert of().leak == 1


def test_words_that_are_masked_without_need_cost_precision_and_half_masked_ones_recall():
    counted = of((0, 6), (7, 10))
    assert (counted.tokens_right, counted.tokens_wrong, counted.tokens_missed) == (2, 1, 1)
    assert counted.precision == pytest.approx(2 / 3)
    half = of((0, 2))
    assert (half.tokens_right, half.tokens_wrong, half.tokens_missed) == (0, 0, 3)


def test_half_a_masked_word_that_nobody_annotated_is_wrong_as_well():
    assert of((7, 8)).tokens_wrong == 1


def test_a_word_that_touches_an_entity_is_never_wrong():
    text = Text("x1Ana", (Entity(2, 5, "PERSON"),))
    counted = hiding([text], [[Span(0, 5, "ID")]])
    assert (counted.tokens_right, counted.tokens_wrong) == (1, 0)


def test_spans_beyond_the_end_count_no_further_than_the_end():
    assert hiding([Text("Bo", (Entity(0, 2, "PERSON"),))], [[Span(0, 99, "X")]]).leak == 0


def test_it_counts_as_the_definition_does_on_random_spans():
    """The definition, word for word and slowly, beside the one that is used."""
    pick = random.Random(3)
    for _ in range(200):
        words = " ".join(pick.choice(["ab", "c-d", "e", "12", "--"]) for _ in range(12))
        ends = sorted(pick.sample(range(len(words) + 1), 6))
        entities = tuple(
            Entity(a, b, "T") for a, b in ((ends[0], ends[1]), (ends[2], ends[3])) if a < b
        )
        text = Text(words, entities)
        masks = [Span(*sorted(pick.sample(range(len(words) + 1), 2)), "T") for _ in range(2)]
        covered = {at for span in masks for at in range(span.start, span.end)}
        hidden = sum(
            all(at in covered for at in range(e.start, e.end) if words[at].isalnum())
            for e in entities
        )
        assert hiding([text], [masks]).hidden.total() == hidden


CHAT = Text(
    "Ana told Bo that Cy knows Di",
    (
        Entity(0, 3, "PERSON", known=True, person=7),
        Entity(9, 11, "PERSON", known=False, person=8),
        Entity(17, 19, "PERSON", known=True, person=9),
        Entity(26, 28, "PERSON", known=False, person=10),
    ),
)


def test_people_are_counted_by_whether_they_are_known_and_listed():
    masks = [Span(0, 3, "PERSON", 7), Span(9, 11, "ORG"), Span(17, 19, "PERSON", 1)]
    count = naming([CHAT], [masks], lambda name: name == "Di")
    assert (count.known, count.known_hidden, count.known_right) == (2, 2, 1)
    assert (count.unknown, count.unknown_hidden) == (2, 1)
    assert (count.unlisted, count.unlisted_hidden) == (1, 1)


def test_only_spans_of_people_count_for_precision_on_people():
    masks = [Span(0, 3, "PERSON", 7), Span(4, 8, "PERSON"), Span(12, 16, "ORG")]
    count = naming([CHAT], [masks], NOBODY)
    assert (count.predicted, count.predicted_right) == (2, 1)


def test_a_pseudonym_is_not_right_where_the_name_is_left():
    count = naming([CHAT], [[Span(0, 2, "PERSON", 7)]], NOBODY)
    assert (count.known_hidden, count.known_right) == (0, 0)


def test_where_a_set_says_what_is_listed_lists_are_not_asked():
    text = marked("hello [!Ysolde] and [Ana]")
    count = naming([text], [[]], NOBODY)
    assert (count.unknown, count.unlisted) == (2, 1)


def test_words_of_people_are_counted_one_by_one():
    text = marked("so [Ana Costa] met [ORG:Acme Ltd]")
    assert words_masked([text], [[Span(3, 6, "X")]]) == 0.5


def test_a_share_of_nothing_is_all_of_it():
    assert share(0, 0) == 1


def test_the_notation_tells_people_types_and_line_breaks():
    text = marked(r"hi [Ana],\ncall [!Bo Ek] on [PHONE:+49 30 1]")
    assert text.text == "hi Ana,\ncall Bo Ek on +49 30 1"
    assert [(text.words(e), e.type, e.listed) for e in text.entities] == [
        ("Ana", "PERSON", True),
        ("Bo Ek", "PERSON", False),
        ("+49 30 1", "PHONE", None),
    ]


def test_spans_of_json_lines_keep_what_is_said_of_people(tmp_path):
    line = json.dumps({"text": "Ana", "spans": [[0, 3, "PERSON", True, "first", 4]]})
    assert parsed(line).entities == (Entity(0, 3, "PERSON", known=True, person=4),)
    (tmp_path / "my_chat_1.jsonl").write_text(line + "\n\n")
    path = found(tmp_path, "chat")
    assert path is not None
    assert stored(path) == [parsed(line)]
    assert found(tmp_path, "clinical") is None
    assert found(None, "clinical") is None


def test_the_door_s_lines_are_read_as_spans():
    assert spans('{"text": "x", "spans": [[0, 3, "PERSON", 4], [5, 6, "IP", null]]}') == [
        Span(0, 3, "PERSON", 4),
        Span(5, 6, "IP", None),
    ]


@pytest.mark.parametrize(("false", "recall"), [(0.0, 1 / 3), (0.25, 2 / 3), (0.5, 1.0), (1.0, 1.0)])
def test_recall_is_taken_where_few_enough_negatives_pass(false, recall):
    scores = [9, 5, 3, 6, 4, 2, 1]
    truth = [True, True, True, False, False, False, False]
    assert recall_at(scores, truth, false) == pytest.approx(recall)


def test_negatives_that_score_the_same_do_not_pass_together():
    assert recall_at([5, 5, 5], [True, False, False], 0.5) == 0


def test_a_figure_is_met_missed_or_only_reported():
    figures = [
        Figure("leak", 0.1, "<=", 0.15),
        Figure("hidden", 0.7, ">=", 0.8, "few"),
        Figure("seen", 3.0),
        Figure("absent", None, ">=", 1.0),
    ]
    assert [figure.met for figure in figures] == [True, False, None, None]
    assert "| hidden | >= 0.8 | 0.700 | MISSED | few |" in table(figures)
    assert as_json(figures)[1]["met"] is False


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_three_hundred_sentences_of_which_some_name_nobody(code):
    texts = own(f"{code}.txt")
    people = [entity for text in texts for entity in text.entities if entity.type == "PERSON"]
    without = sum(not any(e.type == "PERSON" for e in text.entities) for text in texts)
    assert len({text.text for text in texts}) == len(texts) >= 300
    assert 0.2 <= without / len(texts) <= 0.35
    assert 0.5 <= sum(not one.listed for one in people) / len(people) <= 0.6
    assert sum(e.type == "ADDRESS" for text in texts for e in text.entities) >= 30
    assert not any(mark in text.text for text in texts for mark in "[]")


@pytest.mark.parametrize(
    ("label", "least"),
    [
        ("health", 400),
        *((one, 60) for one in ("sexuality", "religion", "politics", "ethnicity", "crime")),
        ("finance", 60),
        ("minors", 60),
    ],
)
def test_every_label_has_lines_of_both_kinds(label, least):
    lines = labelled(f"{label}.txt")
    assert len({text for text, _ in lines}) == len(lines) >= least
    assert 0.4 <= sum(holds for _, holds in lines) / len(lines) <= 0.6


_WORD = re.compile(r"[^\W\d_]+")
_LEARNED = ("projections/material/*.txt", "projections/redaction/naming/*.txt")


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[at : at + 6]) for at in range(len(words) - 5)}


def test_no_sentence_shares_six_words_in_a_row_with_what_models_learn_from():
    root = Path(__file__).parents[2]
    learned = {
        run
        for pattern in _LEARNED
        for path in root.glob(pattern)
        for line in path.read_text("utf-8").splitlines()
        for run in _runs(line)
    }
    assert learned
    ours = [text.text for code in LANGUAGES for text in own(f"{code}.txt")]
    ours += [text for label in CATEGORIES for text, _ in labelled(f"{label}.txt")]
    assert [text for text in ours if _runs(text) & learned] == []


STUB = """
import json, sys
for line in sys.stdin:
    text = json.loads(line)["text"]
    print(json.dumps({"text": "", "spans": [[0, len(text), sys.argv[2], len(sys.argv)]]}))
"""


def test_the_door_is_given_every_text_and_its_answers_keep_their_order(tmp_path):
    door = (sys.executable, "-c", STUB)
    masks = redact(["a\nb", "\ud800", "ccc"], profile="balanced", door=door)
    assert masks == [[Span(0, size, "balanced", 3)] for size in (3, 1, 3)]
    known = redact(["a"], roster=tmp_path / "roster.json", door=door)
    assert known == [[Span(0, 1, "strict", 5)]]


def test_sets_that_are_not_there_are_skipped_and_said(tmp_path, capsys):
    for folder in (None, tmp_path):
        bench = Bench(folder, tmp_path / "environment", tmp_path)
        assert [*bench.leaks(), *bench.chat(), *bench.short(), *bench.speed()] == []
    assert "clinical" in capsys.readouterr().err
    assert not (tmp_path / "environment").exists()


def test_the_benchmark_writes_json_to_one_side_and_a_table_to_the_other(capsys):
    main(["--only", "short"])
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"figures": [], "details": {}}
    assert "| what | asked | reached |" in printed.err
