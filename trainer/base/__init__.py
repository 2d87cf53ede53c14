"""Base models: a local Hugging Face folder that may be adapted.

Only data is read: safetensors weights, JSON, tokenizer files. A folder that brings code
(`auto_map`) or pickles is refused as a whole, since opening either may run what a stranger
wrote. Nothing is ever fetched here.
"""

from trainer.base.described import OTHER_SENSES, Described, Linear, check, describe
from trainer.base.folder import inspect, refuse_code, require
from trainer.base.loading import load
from trainer.base.templated import Templated

__all__ = [
    "OTHER_SENSES",
    "Described",
    "Linear",
    "Templated",
    "check",
    "describe",
    "inspect",
    "load",
    "refuse_code",
    "require",
]
