"""The weights of a base, from its folder into memory."""

from typing import TYPE_CHECKING, Any, cast

from trainer.base.described import check
from trainer.base.folder import require
from trainer.errors import BaseRefused
from trainer.recipe import Recipe
from trainer.slices import Foundation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["load"]

# What checkpoints hold beside the weights: numbers that follow from the config.
_DERIVED = ("rotary_emb.inv_freq", "masked_bias", "attn.bias")


def load(foundation: Foundation, recipe: Recipe) -> "PreTrainedModel":
    """Load the weights of a pinned base, in the number format that a recipe asks for.

    Raises:
        BaseModelChanged: It is not the base that was pinned.
        BaseRefused: It cannot be loaded, or its weights are not all those of its config.
    """
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - takes seconds
    from transformers.utils import logging  # noqa: PLC0415

    require(foundation)
    check(foundation, recipe)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # talk is the console's
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            foundation.folder,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            **_format(recipe),
        )
    except MemoryError:
        raise
    except Exception as error:  # the libraries fail in many ways on what a stranger wrote
        raise BaseRefused(
            f"The base model at {foundation.folder} cannot be loaded ({type(error).__name__}); "
            "restore the folder, or take another base."
        ) from error
    model, told = cast("tuple[PreTrainedModel, dict[str, Any]]", loaded)
    strange = [name for name in told["unexpected_keys"] if not name.endswith(_DERIVED)]
    if told["missing_keys"] or told["mismatched_keys"] or strange:
        raise BaseRefused(
            f"The weights in {foundation.folder} are not those of the model that its config.json "
            "describes; restore the folder."
        )
    _own(model, recipe)
    # Whatever was changed while it was read is noticed before a number of it is used.
    require(foundation)
    return model


def _format(recipe: Recipe) -> dict[str, Any]:
    """Return the arguments that say how numbers are kept."""
    import torch  # noqa: PLC0415

    if not recipe.four_bit:
        return {"dtype": torch.bfloat16 if recipe.bf16_base else torch.float32}
    from transformers import BitsAndBytesConfig  # noqa: PLC0415

    # QLoRA's format (arXiv 2305.14314): 4-bit NormalFloat, constants quantised once more.
    return {
        "dtype": torch.bfloat16,
        "device_map": {"": 0},
        "quantization_config": BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
    }


def _own(model: "PreTrainedModel", recipe: Recipe) -> None:
    """Copy weights that lie in the files' own pages: whoever writes there would write here."""
    if recipe.four_bit:
        return
    for weight in (*model.parameters(), *model.buffers()):
        weight.data = weight.data.clone()
