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
    assert Recipe.read(file) == preset("lora", rank=4, name="mine")


@pytest.mark.parametrize(
    "text",
    [
        "epochs = 0",
        "heads = 0",
        "widht = 3",
        "kind = 'full'",
        "epochs = 'many'",
        "a = [",
        "width=9",
    ],
)
def test_what_is_no_recipe_is_refused(text, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(UsageError):
        Recipe.read(file)


def test_a_missing_file_and_an_unknown_preset_are_not_found(tmp_path):
    with pytest.raises(NotFound):
        Recipe.read(tmp_path / "none.toml")
    with pytest.raises(NotFound):
        preset("gigantic")
