"""Vectors of texts: the same bits everywhere, and nothing fetched."""

import hashlib
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


def test_minilm_with_other_weights_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"others")
    for digest, found in (
        (hashlib.sha256(b"weights").hexdigest(), "are not those"),
        ("", "cannot"),
    ):
        model = Sentence(tmp_path, kind="minilm-0.1.0", digest=digest)
        with pytest.raises(NoEmbedder, match=found):
            model.embed(["a word"])


def test_many_texts_together_have_the_vectors_they_have_alone_but_for_last_bits(
    monkeypatch, tmp_path
):
    library = type(sys)("sentence_transformers")
    library.SentenceTransformer = Together
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    model = Sentence(tmp_path, kind="toy-1")
    assert [list(v) for v in model.together(["a boat", "soup"])] == [[19200, 25600], [32000, 0]]


class Together(Model):
    def encode(self, texts, batch_size, show_progress_bar):
        assert batch_size > 1
        return Row(super(Together, self).encode(text, show_progress_bar) for text in texts)


def test_words_that_were_forgotten_have_the_same_vectors_again(monkeypatch):
    texts = ["boat", "soup harbour", "boats harbours"]
    before = [list(vector) for vector in small().embed(texts)]
    monkeypatch.setattr("projections.embed._CACHED", 1)
    table = small()
    assert [list(table.embed([text])[0]) for text in texts] == before
    assert table.age == len(texts) - 1


def test_more_words_than_a_table_begins_with_keep_their_places():
    table = small()
    letters = "bcdfghjklm"
    unheard = ["".join(letters[int(digit)] for digit in f"{n:05}") for n in range(9000)]
    assert list(table.embed([" ".join(unheard) + " soup"])[0]) == list(small().embed(["soup"])[0])
