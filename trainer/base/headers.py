"""What safetensors files say of themselves, read without opening a single weight.

The format: eight bytes of length (little endian), a JSON header that names type, shape and
place of each tensor, then the tensors without gaps (huggingface.co/docs/safetensors). A header
is checked against its file before any library gets to see it.
"""

import math
from pathlib import Path

import msgspec

from trainer.errors import BaseRefused

__all__ = ["Tensor", "tensors"]

# A model of ten thousand tensors has a header of one megabyte; the format allows a hundred.
_LONGEST = 16 << 20
_LENGTH = 8
_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


class Tensor(msgspec.Struct, frozen=True):
    """One tensor of a file; `data_offsets` count from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


class _Index(msgspec.Struct, frozen=True):
    weight_map: dict[str, str]


def tensors(root: Path) -> dict[str, Tensor]:
    """Return the tensors of a model folder by name, from one file or from all its parts.

    Raises:
        BaseRefused: There are none, a part is missing, or a header is not that of its file.
    """
    if (root / _SINGLE).is_file():
        return _header(root / _SINGLE)
    if not (root / _INDEX).is_file():
        raise BaseRefused(
            f"{root} holds no {_SINGLE}; convert the weights to safetensors, "
            "or take a model that has them."
        )
    return _parts(root)


def _parts(root: Path) -> dict[str, Tensor]:
    try:
        where = msgspec.json.decode((root / _INDEX).read_bytes(), type=_Index).weight_map
    except (msgspec.DecodeError, RecursionError) as error:
        raise BaseRefused(f"{root / _INDEX} is no index of weights; restore it.") from error
    found: dict[str, Tensor] = {}
    for part in sorted(set(where.values())):
        # A name with a way in it could point at any file of the machine.
        if Path(part).name != part or not part.endswith(".safetensors"):
            raise BaseRefused(f"{root / _INDEX} names a part outside its folder; restore it.")
        if not (root / part).is_file():
            raise BaseRefused(f"{root / part} is missing; download the model once more.")
        found |= _header(root / part)
    if where.keys() - found.keys():
        raise BaseRefused(
            f"{root / _INDEX} names weights that its parts do not hold; download the model once "
            "more."
        )
    return found


def _header(file: Path) -> dict[str, Tensor]:
    """Return what a file holds.

    Raises:
        BaseRefused: Its header is too long, or says something else than the file is.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(_LENGTH), "little")
        if length > size - _LENGTH:
            raise BaseRefused(f"{file} is truncated or no safetensors file; download it once more.")
        if length > _LONGEST:
            raise BaseRefused(
                f"{file} has a header of {length} bytes, and no model needs more than {_LONGEST}; "
                "take it from another source."
            )
        raw = opened.read(length)
    try:
        said = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        said.pop("__metadata__", None)
        found = {name: msgspec.json.decode(one, type=Tensor) for name, one in said.items()}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BaseRefused(f"{file} is no safetensors file; download it once more.") from error
    _fits(file, found, size - _LENGTH - length)
    return found


def _fits(file: Path, found: dict[str, Tensor], room: int) -> None:
    """Refuse tensors that leave gaps, overlap, or need more or less than the file has."""
    at = 0
    for tensor in sorted(found.values(), key=lambda tensor: tensor.data_offsets):
        if tensor.dtype not in _BYTES:
            raise BaseRefused(
                f"{file} keeps weights as {tensor.dtype[:16]}; adapters need a base in 16 or 32 "
                "bits, so take the original."
            )
        start, end = tensor.data_offsets
        if start != at or min(tensor.shape, default=0) < 0:
            raise BaseRefused(f"{file} contradicts itself; download it once more.")
        if end - start != tensor.size * _BYTES[tensor.dtype]:
            raise BaseRefused(f"{file} contradicts itself; download it once more.")
        at = end
    if at != room:
        raise BaseRefused(f"{file} is truncated or has something added; download it once more.")
