"""Which model answers, and giving one up."""

import shutil

import pytest

from tests.forked import Forked
from tests.helpers import TOY, write_chats


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder with a vault and two models, to be copied; the second learned half as long."""
    vault = Forked.in_folder(tmp_path_factory.mktemp("learned"))
    vault.ok("init")
    vault.ok("add", str(write_chats(vault.cwd)), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    toy = vault.cwd / "toy.toml"
    for text in (TOY, TOY.replace("epochs = 1.0", "epochs = 0.5")):
        toy.write_text(text)
        vault.ok("train", "--recipe", str(toy))
    return vault.cwd


@pytest.fixture
def taught(tmp_path, learned):
    """The command on a copy of that vault."""
    shutil.copytree(learned, tmp_path, dirs_exist_ok=True)
    return Forked.in_folder(tmp_path)


def answering(vault):
    return [one["model"] for one in vault.ok("models")["models"] if one["answers"]]


def states(vault):
    return {path.name for path in (vault.home / "models").glob("state-*")}


def test_the_newest_answers_until_another_is_promoted(taught):
    assert answering(taught) == ["twin-2"]
    done = taught.ok("models", "promote", "twin-1")
    assert done == {"answers": "twin-1", "preferred": "twin-1", "changed": True}
    assert answering(taught) == ["twin-1"]
    assert taught.ok("chat", "soup?")["model"] == "twin-1"
    assert not taught.ok("models", "promote", "twin-1")["changed"]
    assert taught.ok("models", "promote", "newest")["answers"] == "twin-2"
    taught.refused(3, "models", "promote", "twin-9")


def test_a_retired_model_leaves_nothing_behind_but_the_record(taught):
    before = states(taught)
    done = taught.ok("models", "retire", "twin-2")
    assert (done["model"], done["answers"]) == ("twin-2", "twin-1")
    assert done["states_deleted"] == len(before - states(taught)) > 0
    assert not list((taught.home / "models").glob("*twin-2*"))
    assert [one["status"] for one in taught.ok("models")["models"]] == ["trained", "retired"]
    assert taught.ok("chat", "soup?")["model"] == "twin-1"
    for asked in (
        ("chat", "soup?", "--model", "twin-2"),
        ("eval", "twin-2"),
        ("models", "promote", "twin-2"),
        ("models", "retire", "twin-2"),
        ("models", "export", "twin-2", "--out", str(taught.cwd / "copy")),
    ):
        assert "gave it up" in taught.refused(5, *asked)["message"]
    taught.ok("verify")


def test_a_copy_of_a_retired_model_stays_until_what_it_learned_is_lost(taught):
    copy = taught.cwd / "copy"
    taught.ok("models", "export", "twin-2", "--out", str(copy))
    done = taught.ok("models", "retire", "twin-2")
    assert done["copies"] == [str(copy)]
    assert list(copy.glob("*.safetensors"))
    taught.ok("withdraw", "message", "train")
    taught.ok("models")
    assert not list(copy.glob("*.safetensors"))


def test_what_was_promoted_cannot_be_what_may_not_answer(taught):
    taught.ok("withdraw", "message", "train")
    assert answering(taught) == []
    assert "may not answer" in taught.refused(5, "models", "promote", "twin-1")["message"]
