"""Vectors of texts: the same bits everywhere, and nothing fetched."""

import sys
from pathlib import Path
from typing import ClassVar

import pytest

from projections.embed import (
    UNIT,
    Sentence,
    Static,
    Table,
    chosen,
    pack,
    pieces,
    similarity,
    unpack,
)
from projections.errors import NoEmbedder

WORDS = {"boat": (100, 0, 3), "harbour": (90, 20, 0), "soup": (0, 100, 0)}


def small():
    rows = bytes(value % 256 for row in WORDS.values() for value in row)
    return Static(Table(3, {word: n for n, word in enumerate(WORDS)}, rows).packed())


def test_a_vector_has_one_length_and_whole_numbers():
    for vector in chosen("static").embed(["the boat leaves at nine", "soup"]):
        assert all(isinstance(value, int) for value in vector)
        assert similarity(vector, vector) == pytest.approx(1, abs=1e-3)


def test_a_text_is_near_to_one_with_like_words_and_far_from_others():
    boat, harbour, soup = small().embed(["boat", "the harbour", "soup!"])
    assert similarity(boat, harbour) > 0.9
    assert abs(similarity(boat, soup)) < 0.1


def test_a_vector_does_not_depend_on_what_else_is_asked_for():
    texts = ["boat", "", "soup harbour", "🕯", "x" * 100_000]
    together = small().embed(texts)
    assert [list(v) for v in together] == [list(small().embed([text])[0]) for text in texts]


def test_a_text_without_words_is_no_direction():
    assert list(small().embed(["🕯 …"])[0]) == [0, 0, 0]
    assert list(small().embed(["unheard"])[0]) == [0, 0, 0]


@pytest.mark.parametrize(
    "text", ["\ud800 lone", "مرحبا بالعالم", "👩‍👩‍👧" * 5000, "a" * 1_000_000, "'" * 50_000, "\0"]
)
def test_bad_text_has_a_vector_all_the_same(text):
    assert len(chosen("static").embed([text])[0]) == chosen("static").size


def test_a_vector_comes_back_as_it_was_packed():
    vector = (0, -UNIT, 32_767, 5)
    assert tuple(unpack(pack(vector))) == vector


def test_words_are_folded_and_numbers_stand_for_their_length():
    assert pieces("Café, it\N{RIGHT SINGLE QUOTATION MARK}s 2041!!") == ["cafe", "it's", "#4", "!!"]


def test_weights_are_named_by_their_version():
    rows = bytes(9)
    other = Static(Table(3, dict.fromkeys(WORDS, 0), rows).packed())
    assert small().version != other.version
    assert small().version == small().version


def test_what_is_not_installed_lets_a_vault_open_and_says_what_to_do(tmp_path):
    absent = chosen(str(tmp_path / "nowhere"))
    with pytest.raises(NoEmbedder, match="twin labels use static"):
        absent.embed(["a word"])


def test_a_folder_of_weights_is_known_by_them_and_read_only_when_it_is_needed(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    one = chosen(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"others")
    assert one.version != chosen(str(tmp_path)).version
    with pytest.raises(NoEmbedder, match="cannot be used"):
        one.embed(["a word"])


class Row(list):
    def tolist(self):
        return list(self)


class Model:
    """What a sentence-transformers model does, without one."""

    asked: ClassVar[list[str]] = []

    def __init__(self, folder, device):
        self.folder, self.device = Path(folder), device

    def encode(self, text, show_progress_bar):
        assert not show_progress_bar
        self.asked.append(text)
        return Row([0.6, 0.8] if "boat" in text else [1.0, 0.0])


def test_a_model_reads_one_text_at_a_time_so_that_no_other_text_changes_its_bits(
    monkeypatch, tmp_path
):
    library = type(sys)("sentence_transformers")
    library.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    model = Sentence(tmp_path, kind="toy-1")
    assert [list(v) for v in model.embed(["a boat", "soup"])] == [[19200, 25600], [32000, 0]]
    assert Model.asked == ["a boat", "soup"]
    assert model.size == 2
