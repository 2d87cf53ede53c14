"""A token classifier made on the spot, read by the very code that reads a real one."""

import json

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from projections.redaction.fold import folded
from projections.redaction.kinds import Kind
from trainer.errors import BaseRefused
from trainer.ner import Transformer, _joined, _label, _Piece

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = {"anna": 1, "##belle": 2, "kowal": 2, "oslo": 3, "from": 0, "and": 0, "so": 0}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def make(path, labels=LABELS):
    """A BERT of a few hundred weights that labels each token of its vocabulary as told."""
    vocabulary = {token: at for at, token in enumerate([*SPECIAL, *WORDS])}
    pieces = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    pieces.normalizer = normalizers.Lowercase()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(path)
    torch.manual_seed(0)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=34,
            id2label=dict(enumerate(labels)),
            label2id={label: at for at, label in enumerate(labels)},
        )
    )
    with torch.no_grad():
        for parameter in model.bert.encoder.parameters():
            parameter.zero_()
        embeddings = model.bert.embeddings
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        vectors = torch.eye(16)[: len(vocabulary)] - 1 / 16
        embeddings.word_embeddings.weight.copy_(vectors)
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        for token, at in vocabulary.items():
            label = WORDS.get(token, 0)
            model.classifier.weight[label, at] = 5.0
        for layer in model.bert.encoder.layer:
            layer.attention.output.LayerNorm.weight.fill_(1.0)
            layer.output.LayerNorm.weight.fill_(1.0)
    model.save_pretrained(path, safe_serialization=True)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("ner"))


@pytest.fixture(scope="module")
def names(folder):
    return Transformer(folder)


def found(names, text):
    return [(text[one.start : one.end], one.kind) for one in names.find(folded(text))]


def test_persons_and_places_are_found_where_they_stand(names):
    text = "so Anna Kowal from Oslo"
    assert found(names, text) == [("Anna Kowal", Kind.PERSON), ("Oslo", Kind.LOC)]


def test_a_word_is_masked_whole_when_a_part_of_it_is_a_name(names):
    assert found(names, "from Annabelle and so") == [("Annabelle", Kind.PERSON)]


def test_who_begins_anew_is_another_person(names):
    assert found(names, "anna anna") == [("anna", Kind.PERSON), ("anna", Kind.PERSON)]


def test_a_text_longer_than_the_model_is_read_to_its_end(names):
    text = "so and from " * 60 + "Anna" + " so" * 100 + " Oslo"
    assert found(names, text) == [("Anna", Kind.PERSON), ("Oslo", Kind.LOC)]


def test_each_name_of_a_long_text_is_found_once(names):
    assert len(found(names, "Anna so and " * 3000)) == 3000


def test_a_name_at_any_place_of_a_window_is_found(names):
    for before in range(60):
        text = "so " * before + "Anna Kowal" + " so" * 60
        assert found(names, text) == [("Anna Kowal", Kind.PERSON)]


def test_texts_that_are_no_text_do_no_harm(names):
    assert found(names, "") == []
    assert found(names, "\ud800 \udfff so") == []
    assert found(names, "\U0001f600 \ud800 Anna") == [("Anna", Kind.PERSON)]


def test_scores_tell_how_sure_the_model_is(names):
    (one,) = names.find(folded("Anna"))
    assert 0 < one.score <= 1


def test_another_model_is_another_version(names, tmp_path):
    copy = make(tmp_path)
    assert Transformer(copy).version == names.version
    told = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**told, "layer_norm_eps": 1e-6}))
    assert Transformer(copy).version != names.version


def test_pickles_and_code_are_refused(tmp_path):
    make(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(BaseRefused, match="pickle"):
        Transformer(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    told = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**told, "auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(BaseRefused, match="code of its own"):
        Transformer(tmp_path)


def test_a_folder_without_names_among_its_labels_is_refused(tmp_path):
    with pytest.raises(BaseRefused, match="no labels"):
        Transformer(make(tmp_path, ["O", "A", "B", "C", "D"]))


def test_a_folder_without_the_classifier_is_refused(tmp_path):
    make(tmp_path)
    model = BertForTokenClassification.from_pretrained(tmp_path)
    model.bert.save_pretrained(tmp_path)
    with pytest.raises(BaseRefused, match="token classifier"):
        Transformer(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "begins"),
    [
        ("B-PER", Kind.PERSON, True),
        ("I-person", Kind.PERSON, False),
        ("GPE", Kind.LOC, False),
        ("S-ORG", Kind.ORG, True),
        ("O", None, False),
        ("MISC", None, False),
    ],
)
def test_labels_are_understood_as_different_models_write_them(name, kind, begins):
    assert (_label(name).kind, _label(name).begins) == (kind, begins)


def test_neighbours_of_one_kind_are_one_name_across_a_hyphen_but_not_across_a_line():
    text = "Jean-Luc\nPicard"
    go_on = _label("I-PER")
    pieces = [_Piece(0, 4, go_on, 0.9), _Piece(5, 8, go_on, 0.8), _Piece(9, 15, go_on, 0.7)]
    assert [(one.start, one.end) for one in _joined(iter(pieces), text)] == [(0, 8), (9, 15)]
