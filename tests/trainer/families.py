"""Tiny bases of the usual families, made on the spot: config, weights, tokenizer, template.

The templates write the formats that the families publish for their chat models; the words of
the templates are ours.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = ["so cold", "so much soup on the slip", "be kind", "user model assistant system", "a b c"]
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 1024,
}
STRICT = (
    "{%- for m in messages -%}{%- if m['role'] not in ['user', 'assistant'] -%}"
    "{{ raise_exception('only user and assistant') }}{%- endif -%}"
    "{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}"
    "{{ raise_exception('roles must alternate') }}{%- endif -%}{%- endfor -%}"
)
LLAMA = (
    "{{ bos_token }}{%- if messages[0]['role'] != 'system' -%}"
    "{{ '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + strftime_now('%d %b %Y') }}"
    "{{ '<|eot_id|>' }}{%- endif -%}{%- for m in messages -%}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content']|trim }}"
    "{{ '<|eot_id|>' }}{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%}"
)
MISTRAL = STRICT + (
    "{{ bos_token }}{%- for m in messages -%}{%- if m['role'] == 'user' -%}"
    "{{ '[INST] ' + m['content'] + '[/INST]' }}{%- else -%}"
    "{{ ' ' + m['content'] + eos_token }}{%- endif -%}{%- endfor -%}"
)
GEMMA = STRICT + (
    "{{ bos_token }}{%- for m in messages -%}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else 'user') + '\n' }}"
    "{{ m['content']|trim + '<end_of_turn>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
)
# A system message goes before the first words of the user.
GEMMA3 = (
    "{{ bos_token }}{%- set first = '' -%}{%- if messages[0]['role'] == 'system' -%}"
    "{%- set first = messages[0]['content'] + '\n\n' -%}{%- set messages = messages[1:] -%}"
    "{%- endif -%}{%- for m in messages -%}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else 'user') + '\n' }}"
    "{{ (first if loop.first else '') + m['content']|trim + '<end_of_turn>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
)
QWEN = (
    "{%- if messages[0]['role'] != 'system' -%}"
    "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{%- endif -%}{%- for m in messages -%}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
# The last reply gets an empty thought before it.
QWEN3 = (
    "{%- for m in messages -%}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{%- if m['role'] == 'assistant' and loop.last -%}"
    "{{ '<think>\n\n</think>\n\n' }}{%- endif -%}"
    "{{ m['content'] + '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
MARKED = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}<|im_start|>assistant\n"
    "{% generation %}{{ m['content'] }}<|im_end|>{% endgeneration %}{% else %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True)
class Family:
    """One kind of base. `closes` ends a reply; `words` tells how its tokens hold spaces."""

    config: str
    model: str
    template: str
    bos: str
    eos: str
    closes: str
    special: tuple[str, ...] = ()
    words: str = "bytes"
    more: tuple[tuple[str, object], ...] = ()


_HEADERS = ("<|start_header_id|>", "<|end_header_id|>")
_TURNS = ("<start_of_turn>", "<end_of_turn>")
_IM = ("<|im_start|>", "<|im_end|>")
FAMILIES = {
    "llama": Family(
        "LlamaConfig",
        "LlamaForCausalLM",
        LLAMA,
        "<|begin_of_text|>",
        "<|eot_id|>",
        "<|eot_id|>",
        _HEADERS,
    ),
    "mistral": Family(
        "MistralConfig",
        "MistralForCausalLM",
        MISTRAL,
        "<s>",
        "</s>",
        "</s>",
        ("[INST]", "[/INST]"),
        "metaspace",
        (("sliding_window", 16),),
    ),
    "gemma2": Family(
        "Gemma2Config",
        "Gemma2ForCausalLM",
        GEMMA,
        "<bos>",
        "<eos>",
        "<end_of_turn>",
        _TURNS,
        "replaced",
        (("head_dim", 8), ("query_pre_attn_scalar", 8), ("sliding_window", 16)),
    ),
    "gemma3": Family(
        "Gemma3TextConfig",
        "Gemma3ForCausalLM",
        GEMMA3,
        "<bos>",
        "<eos>",
        "<end_of_turn>",
        _TURNS,
        "replaced",
        (("head_dim", 8), ("query_pre_attn_scalar", 8), ("sliding_window", 16)),
    ),
    "qwen2": Family(
        "Qwen2Config",
        "Qwen2ForCausalLM",
        QWEN,
        "",
        "<|im_end|>",
        "<|im_end|>",
        ("<|im_start|>",),
        "bytes",
        (("tie_word_embeddings", True),),
    ),
    "qwen3": Family(
        "Qwen3Config",
        "Qwen3ForCausalLM",
        QWEN3,
        "",
        "<|endoftext|>",
        "<|im_end|>",
        _IM,
        "bytes",
        (("head_dim", 8),),
    ),
}


def tokenizer(family: Family) -> PreTrainedTokenizerFast:
    """Train a tokenizer of a family's make on a few words."""
    bpe = Tokenizer(models.BPE(byte_fallback=family.words == "replaced"))
    if family.words == "bytes":
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        alphabet = [chr(at) for at in range(33, 127)] + ["\n", "▁"]
    if family.words == "metaspace":
        bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        bpe.decoder = decoders.Metaspace(prepend_scheme="first")
    if family.words == "replaced":
        bpe.normalizer = normalizers.Replace(" ", "▁")
        bpe.decoder = decoders.Replace("▁", " ")
    special = dict.fromkeys(
        ["<pad>", family.eos, *([family.bos] if family.bos else []), *family.special]
    )
    bpe.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=list(special),
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        eos_token=family.eos,
        bos_token=family.bos or None,
    )
    made.chat_template = family.template
    return made


def make(name: str, path: Path, **changes: object) -> Path:
    """Write a base of a family into a folder, shaped by changes of its config."""
    family = FAMILIES[name]
    words = tokenizer(family)
    said = SMALL | dict(family.more) | {"vocab_size": len(words), "pad_token_id": 0}
    ids = {"eos_token_id": words.eos_token_id, "bos_token_id": words.bos_token_id}
    config = getattr(transformers, family.config)(**(said | ids | changes))
    torch.manual_seed(0)
    model = getattr(transformers, family.model)(config)
    model.save_pretrained(path)
    words.save_pretrained(path)
    return path


def make_seeing(path: Path) -> Path:
    """Write a Gemma that reads words and pictures, as the larger ones of its family do."""
    words, family = tokenizer(FAMILIES["gemma3"]), FAMILIES["gemma3"]
    ids = {"boi_token_index": 5, "eoi_token_index": 6, "image_token_index": 7}
    seen = {"image_size": 28, "patch_size": 14, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Gemma3Config(
        text_config=SMALL | dict(family.more) | {"vocab_size": len(words), "pad_token_id": 0},
        vision_config={"hidden_size": 16, "intermediate_size": 32, **seen},
        mm_tokens_per_image=4,
        eos_token_id=words.eos_token_id,
        **ids,
    )
    torch.manual_seed(0)
    transformers.Gemma3ForConditionalGeneration(config).save_pretrained(path)
    words.save_pretrained(path)
    return path
