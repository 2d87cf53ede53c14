"""What redaction should have kept from a twin is found in what it says."""

import pytest

from projections.redaction.table import RosterEntry, Table
from tests.trainer.evaluate.conftest import example
from trainer.evaluate.leaks import Finder, leaks
from vault.aliases import Aliases


@pytest.fixture(scope="module")
def table():
    people = [RosterEntry(id=1, names=("Wendeline Krupnik",), emails=("wen@krupnik.example",))]
    return Table.from_entries(Aliases(bytes(32)), people)


def test_a_known_person_and_a_card_are_found(table):
    said = ["ask Wendeline about it", "my card is 4556 7375 8689 9855", "nothing"]
    people, values = leaks(said, [example(0, "soup")], table)
    assert (people.name, people.value, people.floor) == ("leaked_people", 1 / 3, 0)
    assert (values.name, values.value, values.floor) == ("leaked_values", 1 / 3, 0)


def test_what_a_row_let_by_names_the_row(table):
    rows = [example(0, "soup"), example(1, "call Wendeline then")]
    people, _ = leaks(["and wendeline said so"], rows, table)
    assert (people.value, people.floor, people.worst) == (1, 0.5, ("pair-1",))


def test_surrogates_are_no_leak(table):
    finder = Finder(table)
    assert finder.forms("write to someone@example.org, or call 07700 900142") == frozenset()
    assert finder.forms("write to someone@real-mail.com") != frozenset()


def test_a_report_names_no_value_that_leaked(table):
    assert "4556" not in repr(leaks(["my card is 4556 7375 8689 9855"], [], table))
