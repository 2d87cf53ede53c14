"""The card says the figures, and nobody's name or words."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.exports.card import File, Residual, Said, Summary, card
from projections.exports.counts import Counts, Tally
from tests.projections.exportable import row, rows
from vault.consent import Effect, Filters, Purpose, Statement

STATEMENT = Statement(
    id="feed-9",
    effect=Effect.ALLOW,
    type="message.chat",
    purpose=Purpose.TRAIN,
    filters=Filters(person="priya nair", conversation="Book club"),
    recipient="Oriel",
    expires=datetime(2030, 1, 2, tzinfo=UTC),
)


def counted(found):
    tally = Tally()
    assert list(tally.through(found)) == list(found)
    return tally.counts()


def summary(found=(), **more):
    return Summary(
        counts=counted(list(found)), position=41, checkpoint="ab" * 32, redactor="7",
        at=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC), refused=3, duplicates=5, **more,
    )  # fmt: skip


def figures(text):
    [block] = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)
    return json.loads(block)["summary"]


@settings(deadline=None)
@given(st.lists(rows(), max_size=6))
def test_the_figures_are_those_of_the_rows(found):
    read = figures(card(summary(found)))["counts"]
    assert read["rows"] == len(found) == sum(count for _, count in read["by_split"])
    for name in ("kind", "type", "source", "style"):
        expected = Counter(getattr(one.facts, name) or "unknown" for one in found)
        assert dict(read[f"by_{name}"]) == expected
    assert dict(read["by_tag"]) == Counter(tag for one in found for tag in one.facts.tags)
    years = Counter(f"{one.at.year:04}" if one.at else "unknown" for one in found)
    assert dict(read["by_year"]) == years
    assert dict(read["by_statement"]) == Counter(s for one in found for s in one.statements)
    masked = Counter()
    for one in found:
        masked.update(dict(one.facts.masked))
    assert dict(read["masked"]) == masked


def test_a_card_repeats_no_words_no_filters_and_no_recipient():
    said = row(("user", "Zanzibar?"), ("assistant", "Kalamazoo"), masked=(("person", 2),))
    text = card(summary([said], statements=(Said.of(STATEMENT, 1),)))
    for hidden in ("Zanzibar", "Kalamazoo", "priya", "nair", "Book club", "Oriel"):
        assert hidden.lower() not in text.lower()
    line = "| `feed-9` | allow message.chat for train, narrowed by filters | balanced | "
    assert line + "2030-01-02T00:00:00Z | 1 |" in text
    whole = Said.of(replace(STATEMENT, filters=Filters(), expires=None), 0)
    assert "allow message.chat for train |" in card(summary([said], statements=(whole,)))


def test_the_front_matter_is_what_the_hub_reads():
    yaml = pytest.importorskip("yaml")
    files = (File(name='a: "b".jsonl', split="train"), File(name="held.jsonl", split="held"))
    text = card(summary([row()], files=files, languages=("en", "no")))
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "other"
    assert front["language"] == ["en", "no"]
    assert front["size_categories"] == ["n<1K"]
    assert front["task_categories"] == ["text-generation"]
    [config] = front["configs"]
    assert config["config_name"] == "default"
    assert config["data_files"] == [
        {"split": "train", "path": 'a: "b".jsonl'},
        {"split": "test", "path": "held.jsonl"},
    ]
    bare = yaml.safe_load(card(summary()).split("---\n")[1])
    assert not {"configs", "language"} & bare.keys()


@pytest.mark.parametrize(
    ("count", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (123_456, "100K<n<1M"),
     (10**6, "1M<n<10M"), (10**9 - 1, "100M<n<1B"), (10**9, "n>1B")],
)  # fmt: skip
def test_the_size_category_is_that_of_the_hub(count, category):
    told = summary()
    text = card(replace(told, counts=replace(told.counts, rows=count)))
    assert f"size_categories:\n- {category}\n" in text


def test_the_card_names_what_it_was_made_from_and_what_redaction_reached():
    risk = Residual(of="unknown people", planted=150, left=3, at_most=0.0504)
    told = summary([row(masked=(("mail", 2), ("person", 1)))], residual=(risk,))
    text = card(told)
    assert told.counts.root in text
    assert "| made from the log up to position | 41 |" in text
    assert "| checkpoint of the log | `" + "ab" * 32 in text
    assert "| unknown people | 150 | 3 | 5.0% |" in text
    assert "| mail | 2 |\n| person | 1 |" in text
    assert "3 examples were refused" in text
    assert "5 examples teach words" in text
    assert "It was not measured here." in card(summary([row()]))


def test_a_word_cannot_leave_its_cell_or_the_block():
    odd = row(source="a|b\n## <script>", tags=("```\n# x",), style="`")
    text = card(summary([odd]))
    assert "| a\\|b ## &lt;script> | 1 |" in text
    assert ["a|b\n## <script>", 1] in figures(text)["counts"]["by_source"]
    assert figures(text)["counts"]["by_tag"] == [["```\n# x", 1]]


def test_the_same_summary_is_the_same_card():
    found = [row(event=str(number), tags=("b", "a")) for number in range(9)]
    assert card(summary(found)) == card(summary(reversed(found)))


def test_held_examples_change_the_root_of_everything_and_not_of_what_is_learned():
    held = row(split="held")
    alone, both = counted([row()]), counted([row(), held])
    assert alone.root == alone.learned == both.learned != both.root
    assert both.learned in card(summary([row(), held]))


def test_every_figure_of_the_counts_is_in_the_card():
    assert figures(card(summary())).keys() >= {"counts", "position", "checkpoint", "redactor"}
    assert list(figures(card(summary()))["counts"]) == list(Counts.__slots__)
