"""Models are built here: a small one from nothing or from the seed, or a base with adapters."""

import math
import warnings
from typing import Any

from trainer.base import OTHER_SENSES
from trainer.recipe import Recipe
from trainer.tokenizer import END, PAD

__all__ = ["adapted", "grown", "small", "small_config"]


def small_config(recipe: Recipe, vocabulary: int) -> dict[str, Any]:
    """Return what a `LlamaConfig` of the from-scratch model says beside its defaults."""
    return {
        "vocab_size": vocabulary,
        "hidden_size": recipe.width,
        "intermediate_size": max(32, recipe.width * 8 // 3 // 32 * 32),
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "num_key_value_heads": recipe.heads,
        "max_position_embeddings": 1 << math.ceil(math.log2(recipe.longest)),
        "tie_word_embeddings": True,
        "pad_token_id": PAD,
        "eos_token_id": END,
        "bos_token_id": None,
    }


def small(recipe: Recipe, vocabulary: int) -> object:
    """Build the from-scratch model: a Llama small enough to learn from one person alone."""
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415

    return grown(LlamaForCausalLM(LlamaConfig(**small_config(recipe, vocabulary))), recipe)


def grown(model: Any, recipe: Recipe) -> object:  # noqa: ANN401 - transformers has no one type
    """Make all weights of a small Llama ready to learn from one person."""
    from torch import nn  # noqa: PLC0415

    # On rows this short plain attention is faster than the fused kernel (measured).
    model.set_attn_implementation("eager")
    drop = nn.Dropout(recipe.dropout)
    # Llama has no dropout of its own; a network this small on text this little needs it.
    if recipe.dropout:
        model.model.embed_tokens.register_forward_hook(lambda _m, _i, out: drop(out))
        model.model.norm.register_forward_hook(lambda _m, _i, out: drop(out))
        for layer in model.model.layers:
            layer.mlp.register_forward_hook(lambda _m, _i, out: drop(out))
            layer.self_attn.register_forward_hook(lambda _m, _i, out: (drop(out[0]), *out[1:]))
    model.add_module("dropout", drop)
    return model


def adapted(model: Any, recipe: Recipe) -> object:  # noqa: ANN401 - any architecture
    """Put low-rank adapters on the linear layers of a base that a recipe's targets name."""
    import torch  # noqa: PLC0415
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415

    if recipe.gradient_checkpointing:
        # What is computed again draws the same dropout: the library keeps the generator's state.
        model.activation_checkpointing_enable({"use_reentrant": False})
    # Adapters begin alike, whatever was drawn while the base was loaded.
    torch.manual_seed(recipe.seed)
    names = [part.strip() for part in recipe.targets.split(",")]
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear" if names == ["all-linear"] else names,
        exclude_modules=[name for name, _ in model.named_modules() if OTHER_SENSES.search(name)]
        or None,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5 for a property under its old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return get_peft_model(model, config)
