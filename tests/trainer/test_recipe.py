import pytest

from trainer.recipe import PRESETS, Recipe, preset
from vault.errors import NotFound, UsageError


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_recipe_survives_toml_and_canonical_json(name, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(PRESETS[name].toml())
    assert Recipe.read(file) == PRESETS[name]
    assert Recipe.from_canonical(PRESETS[name].canonical()) == PRESETS[name]


def test_a_file_that_names_little_is_completed_from_the_preset_of_its_kind(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('kind = "lora"\nrank = 4\n')
    assert Recipe.read(file) == preset("small", rank=4, name="mine")
    assert Recipe.read(file, "large") == preset("large", rank=4, name="mine")


def test_a_preset_for_a_base_learns_within_the_usual_rates_and_is_watched():
    for one in (PRESETS["small"], PRESETS["large"]):
        assert 2e-5 <= one.learning_rate <= 2e-4
        assert one.patience
        assert 0 < one.warmup < 1
    assert PRESETS["large"].gradient_checkpointing
    assert PRESETS["large"].batch * PRESETS["large"].accumulate == 16


def test_a_recipe_of_a_manifest_that_is_named_like_no_preset_stays_readable():
    """`lora` was a preset once; what a manifest holds is whole."""
    old = preset("small", name="lora", patience=0, weight_decay=0.0)
    assert "lora" not in PRESETS
    assert Recipe.from_canonical(old.canonical()) == old
    assert "patience" not in old.canonical()
    assert "bf16_base" not in old.canonical()


@pytest.mark.parametrize(
    "text",
    [
        "epochs = 0",
        "epochs = nan",
        "learning_rate = inf",
        "learning_rate = -1e-4",
        "heads = 0",
        "widht = 3",
        "kind = 'full'",
        "epochs = 'many'",
        "a = [",
        "width = 9",
        "batch = 2.5",
        "layers = 1000000000",
        "seed = -1",
        "patience = -1",
        "dropout = 1.0",
        "targets = 'q_proj,,v_proj'",
        "targets = ''",
        "four_bit = true",
        "bf16_base = true",
        "x = " + "[" * 5000,
    ],
)
def test_what_is_no_recipe_is_refused_in_one_sentence(text, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as refusal:
        Recipe.read(file)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_a_missing_file_and_an_unknown_preset_are_not_found(tmp_path):
    with pytest.raises(NotFound):
        Recipe.read(tmp_path / "none.toml")
    with pytest.raises(NotFound, match="voice, scratch, small, large"):
        preset("gigantic")
