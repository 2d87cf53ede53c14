"""Models on the pages: looked at, examined, chosen, handed out, given up, rebuilt."""

import re
import shutil
from dataclasses import replace

import pytest

from console.pages import curves
from projections import lineage
from tests.forked import Forked
from tests.helpers import PASSPHRASE, TOY, write_chats
from tests.pages import working
from tests.pages.test_training import over
from trainer.evaluate import report
from trainer.evaluate.report import Group, Measure, Report
from vault.events import ModelTrained


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder with a vault and a model, to be copied."""
    command = Forked.in_folder(tmp_path_factory.mktemp("learned"))
    command.ok("init")
    command.ok("add", str(write_chats(command.cwd)), "--me", "Ada Quill")
    command.ok("consent", "allow", "message", "train")
    (command.cwd / "toy.toml").write_text(TOY)
    command.ok("train", "--recipe", str(command.cwd / "toy.toml"))
    return command.cwd


@pytest.fixture
def vault(twin, learned):
    """The command on a copy of that vault."""
    shutil.copytree(learned, twin.cwd, dirs_exist_ok=True)
    return twin


@pytest.fixture
def taught(site):
    """The pages of that vault."""
    return site


def again(site):
    """Put another model beside the first, made of the same states."""
    with site.client.app.state.keeper.changing() as twin:
        made = replace(twin.manifest("twin-1"), model="twin-2")
        lineage.record(twin.models, "twin-2", twin.rows())
        twin.vault.record(ModelTrained(manifest=made, signature=b""))
        twin.catch_up()


def examined(site, model, value):
    """Keep a report of a model, as an examination would."""
    with site.client.app.state.keeper.changing() as twin:
        made = Report(
            model=model,
            state="",
            made_at=twin.vault.now(),
            position=1,
            rows=9,
            seed=0,
            environment="",
            measures=(
                Measure(
                    name="style_auc", value=value, low=value - 0.05, high=value + 0.05,
                    floor=0.5, ceiling=1.0, n=20, note="<b>note</b>",
                ),
                Measure(name="tone", value=None, note="Too few texts to tell: 2."),
                Measure(name="copied", value=0.25, floor=0.0, n=8),
                Measure(name="learned_bits_per_byte", value=2.5, worst=("ab" * 16,)),
            ),
            groups=(Group(by="type", name="message.chat", rows=9, bits_per_byte=2.0, base=8.0),),
            samples=("<script>alert(1)</script>",),
        )  # fmt: skip
        twin.models.write(report.name_of(model), made.encode())


def test_a_model_shows_what_it_is_made_from(taught):
    assert "twin-1" in taught.get("/models").text
    assert "Examples learned" in taught.get("/models").text
    page = taught.get("/models/twin-1").text
    assert "may answer" in page
    assert "not examined yet" in page
    assert "Slices" in page
    assert "What was kept aside or came later is not among them." in page
    assert re.search(r"\d+ examples made of \d+ items \(your words, and what was said", page)
    assert taught.get("/models/twin-9").status_code == 404


def test_a_report_is_shown_as_pictures_and_numbers_and_nothing_of_it_as_markup(taught):
    examined(taught, "twin-1", 0.8)
    page = taught.get("/models/twin-1").text
    assert 'class="dots"' in page
    assert "0.75 to 0.85" in page
    assert "25.0 %" in page
    assert f'href="/pairs/{"ab" * 16}"' in page
    assert "Too few texts to tell" in page
    assert "<script>alert" not in page
    assert "<b>note" not in page


def test_models_are_compared_and_told_apart_only_beyond_chance(taught):
    again(taught)
    examined(taught, "twin-1", 0.9)
    examined(taught, "twin-2", 0.85)
    address = "/models/compare?model=twin-1&model=twin-2"
    assert "may be chance" in taught.get(address).text
    assert "more than chance" not in taught.get(address).text
    examined(taught, "twin-2", 0.6)
    assert "more than chance" in taught.get(address).text
    assert "two models or more" in taught.get("/models/compare?model=twin-1").text
    assert taught.get("/models/compare").status_code == 400


def test_choosing_a_model_is_refused_where_another_tab_has_chosen(taught):
    again(taught)
    answer = taught.post("/models/promote", {"model": "twin-1", "believed": "twin-2"})
    assert answer.headers["location"] == "/models/twin-1"
    late = taught.post("/models/promote", {"model": "twin-2", "believed": "twin-2"})
    assert late.status_code == 400
    assert "changed meanwhile" in late.text
    assert "you chose it to answer" in taught.get("/models").text
    taught.post("/models/promote", {"model": "newest", "believed": "twin-1"})
    assert "you chose it to answer" not in taught.get("/models").text


def test_giving_a_model_up_needs_its_name_and_the_passphrase(taught):
    for session in taught.client.app.state.sessions._sessions.values():
        session.proven = None
    typed = {"typed": "twin-1"}
    assert taught.post("/models/twin-1/retire", typed).status_code == 403
    wrong = taught.post("/models/twin-1/retire", {"typed": "twin", "passphrase": PASSPHRASE})
    assert wrong.status_code == 400
    assert "may answer" in taught.get("/models").text
    done = taught.post("/models/twin-1/retire", typed)
    assert done.headers["location"] == "/models/twin-1"
    assert "You gave this model up" in taught.get("/models/twin-1").text
    # The back button, and the same form once more.
    assert "gave it up" in taught.post("/models/twin-1/retire", typed).text
    assert not list((taught.command.home / "models").glob("state-*"))


def test_a_copy_is_written_where_the_person_says_and_noted(taught, tmp_path):
    folder = tmp_path / "for others"
    assert "whole path" in taught.post("/models/twin-1/export", {"folder": "copy"}).text
    done = taught.post("/models/twin-1/export", {"folder": str(folder)})
    assert done.status_code == 303
    assert list(folder.glob("*.safetensors"))
    assert str(folder) in taught.get("/models/twin-1").text
    assert taught.post("/models/twin-1/export", {"folder": str(folder)}).status_code >= 400
    inside = taught.post("/models/twin-1/export", {"folder": str(taught.command.home / "x")})
    assert "within the vault" in inside.text


def test_a_suspended_model_says_why_and_is_rebuilt(taught):
    taught.command.ok("withdraw", "message", "train", "--person", "Ned Marlow")
    page = taught.get("/models/twin-1").text
    assert "Why it is suspended" in page
    assert "may no longer be learned: you took a permission back on" in page
    assert "suspended" in taught.get("/models").text
    answer = taught.post("/models/rebuild")
    assert answer.status_code == 303
    run = answer.headers["location"].rpartition("/")[2]
    job = over(curves.job_of(taught.client.app.state.jobs, run))
    assert job.state == "done", job.message
    assert "twin-2" in taught.get("/models/twin-1").text
    assert "Took the place of" in taught.get("/models/twin-2").text


@pytest.mark.slow
def test_a_model_is_examined_from_its_page(taught):
    job = working.ended(taught, taught.post("/models/twin-1/examine", {"depth": "quick"}), 900)
    assert job.state == "done", job.message
    assert 'class="dots"' in taught.get("/models/twin-1").text
