"""The environment of a run: what, besides rows and recipe, decides the bits of the weights.

Bit-identity is claimed per environment only. Versions and the instruction set are named;
`numerics` is a digest of a small computation, which also notices what no version string
tells (kernels forced through the process environment, another BLAS).
"""

import functools
import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Self

import msgspec

from trainer.recipe import Recipe

__all__ = ["Environment", "device_of", "observe"]

_PROCESSOR = "cpu"
_LIBRARIES = ("torch", "transformers", "tokenizers", "peft", "safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a run happens, as far as it decides the bits."""

    machine: str
    instructions: str
    dtype: str
    threads: int
    libraries: tuple[tuple[str, str], ...]
    numerics: str
    device: str = _PROCESSOR

    def canonical(self) -> str:
        """Return the JSON that is hashed and stored in the manifest.

        The processor is left out: what was learned before there was a choice keeps its name.
        """
        given = asdict(self)
        if self.device == _PROCESSOR:
            del given["device"]
        return json.dumps(given, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_canonical(cls, text: str) -> Self:
        """Return the environment that a manifest holds."""
        return msgspec.json.decode(text, type=cls)


def observe(recipe: Recipe) -> Environment:
    """Return the environment in which this process would carry out a recipe."""
    import torch  # noqa: PLC0415 - takes seconds, and only training needs it

    return Environment(
        machine=platform.machine(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        dtype="float32, bfloat16 products" if recipe.bf16 else "float32",
        threads=recipe.threads,
        libraries=tuple((name, _version(name)) for name in _LIBRARIES),
        numerics=_numerics(),
        device=_described(device_of(recipe)),
    )


def device_of(recipe: Recipe) -> str:
    """Return where a recipe is carried out: a base on the first GPU there is, else here."""
    import torch  # noqa: PLC0415

    return "cuda" if recipe.kind == "lora" and torch.cuda.is_available() else _PROCESSOR


def _described(device: str) -> str:
    """Name a device with all that decides its bits: model, CUDA and cuDNN."""
    import torch  # noqa: PLC0415

    if device == _PROCESSOR:
        return device
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {cudnn}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@functools.cache
def _numerics() -> str:
    """Return the digest of products, a softmax and a reduction on fixed numbers.

    Operands are small enough to stay on one thread, so that a process with another
    thread count reads the same.
    """
    import torch  # noqa: PLC0415

    ramp = torch.arange(64 * 64, dtype=torch.float32).reshape(64, 64).sin()
    with torch.no_grad():
        exact = (ramp @ ramp.T).softmax(-1)
        rough = (ramp.bfloat16() @ exact.bfloat16()).float()
        spread = torch.nn.functional.silu(rough).mean(0).rsqrt().nan_to_num()
    told = torch.cat([exact.flatten(), rough.flatten(), spread])
    return hashlib.sha256(told.numpy().tobytes()).hexdigest()
