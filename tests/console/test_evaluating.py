"""`twin eval`: measured, kept sealed, shown, compared, and gone with its model."""

import json
import shutil

import pytest

from console import bootstrap
from console.use import collecting, consenting, evaluating, learning
from projections import threads
from tests.helpers import PASSPHRASE, TOY, Command
from vault.consent import Effect, Filters, Profile, Purpose
from vault.errors import Exists, NotFound, NotPermitted, UsageError

NAMES = (
    *("Priya", "Edmund", "Bexley", "Ottoline", "Wendel", "Marta", "Ingrid", "Tobias"),
    *("Yusuf", "Carmen", "Dagny", "Emil", "Farida", "Gustav", "Hanne", "Ismene"),
    *("Jorun", "Kasper", "Ludmila", "Magnus", "Nadja", "Olwen", "Pavel", "Quentin"),
)
TYPES = ("message", "message.chat.direct.received")


def chats(folder):
    """Write chats with many people in which each answer holds a code."""
    made = folder / "chats"
    made.mkdir()
    for at, name in enumerate(NAMES):
        lines = []
        for day in range(1, 10):
            stamp = f"{day:02d}/03/2023, {8 + at % 9:02d}:00"
            lines.append(f"{stamp} - {name} Nair: Question {day} about soup and {name.lower()}?")
            lines.append(f"{stamp} - Ada Quill: locker {day * 101 + at * 3} & so late")
        (made / f"WhatsApp Chat with {name} Nair.txt").write_text("\n".join(lines) + "\n")
    return made


@pytest.fixture(scope="module")
def half_held():
    """Half of the conversations are held out, whatever the keys of the vault are: never none."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(threads, "_HELD", 0.5)
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory, half_held):
    """A vault with a toy model that was examined, the report, and the pairs that it learned."""
    del half_held
    folder = tmp_path_factory.mktemp("evaluated")
    vault = Command.in_folder(folder)
    bootstrap.create(vault.home, PASSPHRASE)
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    collecting.add(twin, chats(folder), names=["Ada Quill"])
    for data_type in TYPES:
        consenting.say(
            twin,
            Effect.ALLOW,
            data_type,
            Purpose.TRAIN,
            filters=Filters(),
            redact=Profile.BALANCED,
            expires=None,
            recipient="",
        )
    (folder / "toy.toml").write_text(TOY)
    learning.train(twin, recipe_file=folder / "toy.toml")
    found = evaluating.evaluate(twin, quick=True, out=folder / "out")
    pairs = {row.facts.pair for row in twin.rows() if row.split == "train"}
    twin.close()
    return vault, found, pairs


@pytest.fixture
def examined(template, tmp_path):
    """A copy of it, opened."""
    copy = Command.in_folder(tmp_path)
    shutil.copytree(template[0].home, copy.home)
    twin = bootstrap.open_(copy.home, PASSPHRASE)
    yield twin
    twin.close()


def test_a_report_measures_every_side_of_a_model(template):
    report = template[1].report
    names = {one.name for one in report.measures if one.value is not None}
    wanted = {"held_bits_per_byte", "style_auc", "masked_style_auc", "tone", "unknown_words"}
    wanted |= {"copied", "canary_exposure", "leaked_people", "leaked_values", "relevance"}
    assert names >= wanted
    assert report.model == "twin-1"
    assert {group.by for group in report.groups} == {"type", "source"}


def test_what_is_shown_is_what_was_measured_and_it_is_kept_sealed(template):
    vault, found, _ = template
    shown = vault.ok("eval", "--show")["report"]
    assert shown == json.loads(found.report.encode())
    sealed = (vault.home / "models" / "eval-twin-1").read_bytes()
    assert found.report.samples[0].encode() not in sealed
    assert b"style_auc" not in sealed


def test_files_are_written_outside_only_when_asked_for(template):
    vault, found, _ = template
    names = ["eval-twin-1.json", "eval-twin-1.svg", "eval-twin-1.png"]
    assert [path.name for path in found.written] == names
    assert found.written[0].read_bytes() == found.report.encode()
    assert {path.name for path in vault.cwd.iterdir()} >= {"out"}
    assert not list(vault.home.rglob("*.png"))


def test_the_worst_rows_are_learned_pairs_that_can_be_edited(template):
    _, found, pairs = template
    named = [step.split()[3] for step in found.next if step.startswith("twin pairs edit")]
    assert named
    assert all(any(pair.startswith(one) for pair in pairs) for one in named)
    assert found.next[-2:] == ("twin retrain", "twin eval --compare")


def test_reports_are_compared_model_by_model(examined, tmp_path):
    compared = evaluating.compare(examined, out=tmp_path / "growth")
    assert [one.model for one in compared.reports] == ["twin-1"]
    assert [path.name for path in compared.written] == ["eval-growth.svg", "eval-growth.png"]


def test_a_suspended_model_is_neither_examined_nor_shown(examined):
    consenting.withdraw(examined, "message", Purpose.TRAIN, Filters())
    with pytest.raises(NotPermitted, match="twin retrain"):
        evaluating.evaluate(examined, "twin-1", quick=True)
    with pytest.raises(NotPermitted):
        evaluating.show(examined, "twin-1")
    with pytest.raises(NotFound):
        evaluating.compare(examined)


def test_consent_that_ends_meanwhile_leaves_no_report(examined, monkeypatch):
    examined.models.delete("eval-twin-1")
    real = evaluating._facts

    def withdrawn(*asked):
        consenting.withdraw(examined, "message", Purpose.TRAIN, Filters())
        return real(*asked)

    monkeypatch.setattr(evaluating, "_facts", withdrawn)
    with pytest.raises(NotPermitted, match="Consent ended"):
        evaluating.evaluate(examined, quick=True)
    assert "eval-twin-1" not in examined.models.names()


def test_what_cannot_be_is_refused_with_a_way_out(examined, tmp_path):
    with pytest.raises(NotFound, match="twin models"):
        evaluating.evaluate(examined, "twin-9")
    with pytest.raises(UsageError, match="--base"):
        evaluating.evaluate(examined, base=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(Exists, match="folder"):
        evaluating.evaluate(examined, out=tmp_path / "file")
    examined.models.delete("eval-twin-1")
    with pytest.raises(NotFound, match="twin eval twin-1"):
        evaluating.show(examined)


def test_looking_and_measuring_at_once_is_refused(template):
    assert "--show" in template[0].refused(2, "eval", "--show", "--quick")["message"]
