"""Noise that one who knows a key can draw again, and nobody else can guess.

Generators of torch are seeded by 64 bits and can be read out from what they drew; the stream
here is AES-256 in counter mode. What is published lies on a grid that is coarse beside the
noise and fine beside its size, so that the last bits of floating-point numbers, which betray
what noise was added to (Mironov, "On Significance of the Least Significant Bits for
Differential Privacy", 2012), do not exist.
"""

import math

import torch
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

__all__ = ["Gauss", "noisy"]

# What fits into a core's cache is drawn at twice the speed.
_CHUNK = 1 << 15
_ZEROS = bytes(8 * _CHUNK)
_GRID = 2.0**-10  # of the standard deviation


class Gauss:
    """The normal numbers of one step: a stream that depends on a key and the step alone."""

    def __init__(self, key: bytes, step: int) -> None:
        # The lower half of the first block counts the blocks of the stream.
        start = step.to_bytes(8, "big") + bytes(8)
        self._stream = Cipher(AES256(key), CTR(start)).encryptor()

    def draw(self, count: int) -> torch.Tensor:
        """Return the next so many normal numbers, in double precision."""
        found = torch.empty(count + count % 2, dtype=torch.float64)
        for part in torch.split(found, _CHUNK):
            self._fill(part)
        return found[:count]

    def _fill(self, part: torch.Tensor) -> None:
        """Fill an even number of places (Box and Muller, 1958)."""
        drawn = bytearray(self._stream.update(_ZEROS[: 8 * len(part)]))
        words = torch.frombuffer(drawn, dtype=torch.int64)
        even = ((words >> 11) & ((1 << 53) - 1)).double().mul_(2.0**-53)
        far, around = even.chunk(2)
        radius = far.neg_().log1p_().mul_(-2).sqrt_()
        around.mul_(2 * math.pi)
        left, right = part.chunk(2)
        torch.mul(radius, around.cos(), out=left)
        torch.mul(radius, around.sin_(), out=right)


def noisy(total: torch.Tensor, deviation: float, gauss: Gauss) -> torch.Tensor:
    """Return a sum with noise of some standard deviation on it, on the grid."""
    drawn = gauss.draw(total.numel()).view(total.shape).to(total.device)
    cell = 2.0 ** math.floor(math.log2(deviation * _GRID))
    summed = drawn.mul_(deviation).add_(total)
    return summed.div_(cell).round_().mul_(cell).to(total.dtype)
