"""A model as files for other programs: an adapter here, a whole network in the console's tests."""

from dataclasses import replace

import pytest
import torch

from tests.trainer.families import make
from tests.trainer.nearby import Nearby
from trainer import finetune, folder
from trainer.base import inspect
from trainer.environment import observe
from trainer.finetune import train
from trainer.manifest import build
from trainer.slices import plan
from trainer.states import Memory, name_of
from vault.errors import Exists, StorageError


@pytest.fixture(scope="module")
def adapted(rows, toy, tmp_path_factory):
    """An adapter for a tiny Llama: its manifest and its weights."""
    base = inspect(make("llama", tmp_path_factory.mktemp("base")))
    recipe = replace(toy, kind="lora", matrix_rate=0.0, learning_rate=0.05, rank=4, trunk=64)
    store = Memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "Child", Nearby)
        planned = plan(rows, recipe, observe(recipe), base)
        trained = train(planned, store, lambda asked: {row.id for row in asked})
    torch.use_deterministic_algorithms(False)
    made = build(trained, model="twin-1", position=1, checkpoint="")
    return made, store.read(name_of(trained.state))


# peft 0.21 asks transformers 5 for a property under its old name.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_an_adapter_is_written_for_peft_and_changes_the_base_as_it_did_here(adapted, tmp_path):
    from peft import PeftModel  # noqa: PLC0415
    from transformers import AutoModelForCausalLM  # noqa: PLC0415

    made, weights = adapted
    with folder.written(made, weights, tmp_path / "out") as draft:
        assert not (tmp_path / "out").exists()
        assert draft.is_dir()
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", folder.CARD} <= names
    assert not any(name.endswith((".bin", ".pt", ".md")) for name in names - {folder.CARD})
    base = AutoModelForCausalLM.from_pretrained(made.base_path, dtype=torch.float32)
    ids = torch.tensor([[5, 6, 7]])
    before = base(input_ids=ids).logits
    there = PeftModel.from_pretrained(base, tmp_path / "out").eval()(input_ids=ids).logits
    here = folder._network(made, weights).model.eval()(input_ids=ids).logits
    assert there.allclose(here, atol=1e-4)
    assert not there.allclose(before, atol=1e-3)


def test_an_interrupted_copy_leaves_nothing(adapted, tmp_path):
    with (
        pytest.raises(StorageError, match="full"),
        folder.written(*adapted, tmp_path / "out"),
    ):
        raise StorageError("The disk is full; make room.")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_written_over(adapted, tmp_path):
    (tmp_path / "mine").write_text("x")
    for place in (tmp_path, tmp_path / "mine"):
        with pytest.raises(Exists, match="--out"), folder.written(*adapted, place):
            pass
    with folder.written(*adapted, tmp_path / "empty" / "deep"):
        pass
    assert (tmp_path / "empty" / "deep" / folder.CARD).exists()


def test_weights_go_from_a_folder_that_is_this_models_and_from_no_other(adapted, tmp_path):
    made, weights = adapted
    with folder.written(made, weights, tmp_path / "out"):
        pass
    file = tmp_path / "out" / "adapter_model.safetensors"
    assert not folder.remove(str(tmp_path / "out"), "0" * 64)
    assert file.exists()
    assert folder.remove(str(tmp_path / "out"), made.weights)
    assert not file.exists()
    assert folder.remove(str(tmp_path / "out"), made.weights)
    (tmp_path / "out" / "renamed.safetensors").write_bytes(b"x")
    assert not folder.remove(str(tmp_path / "out"), made.weights)
    assert not folder.remove(str(tmp_path / "nowhere"), made.weights)
