"""Gradients of single rows, clipped: what differential privacy asks of a training step.

One backward pass is enough. Each trained weight is used through a function of ours that keeps
what tells the rows apart instead of summing over them: the gradients of the rows themselves
where weights are small, as adapters are; for the embedding, which is too large for that, what
went in and what came back, which say the norm as well (Goodfellow, 2015; Li et al., 2022; Bu et
al., 2022). A weight that is used in any other way is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from trainer.errors import TrainingError
from trainer.gauss import Gauss, noisy
from trainer.network import Ids, Network, learned

__all__ = ["PrivateGradients"]

# Rows are clipped a little below the bound, which covers the rounding of factors and of sums.
_ROOM = 1 - 2.0**-8
_MIXED = "A private run cannot train this model: it has a weight whose use mixes rows."

_Weights = Mapping[str, torch.Tensor]
_Sums = Mapping[torch.Tensor, torch.Tensor]
_Context = Any  # torch's own, whose attributes are ours


class PrivateGradients:
    """Makes the gradients of a network's steps differentially private."""

    def __init__(self, network: Network) -> None:
        """Take the network over; it computes what it did before.

        Raises:
            TrainingError: It uses a trained weight in a way that does not tell rows apart.
        """
        self._network = network
        self._kept = _Kept()
        _reroute(network.model, network.trained, self._kept)

    def step(self, batches: Sequence[Sequence[Ids]], key: bytes, step: int) -> float:
        """Put the noisy mean of clipped gradients where an optimizer expects the gradients.

        Args:
            batches: The rows that take part in a step, however few.
            key: That of the noise in this slice.
            step: The number of the step in its slice, so that no noise is used twice.

        Returns:
            The sum of the rows' losses, which is not private.
        """
        weights, recipe = self._network.trained, self._network.recipe
        sums = {weight: torch.zeros_like(weight) for weight in weights.values()}
        loss = 0.0
        for batch in batches:
            loss += self._add([row for row in batch if learned(row)], sums)
        gauss = Gauss(key, step)
        for weight in weights.values():
            found = noisy(sums[weight], recipe.noise * recipe.clip, gauss)
            # Not by the number of rows that came: that is not public.
            weight.grad = found / (recipe.batch * recipe.accumulate)
        return loss

    def _add(self, rows: Sequence[Ids], sums: _Sums) -> float:
        """Add the clipped gradients of some rows; return their loss."""
        if not rows:
            return 0.0
        self._network.model.zero_grad(set_to_none=True)
        self._kept.begin([learned(row) for row in rows])
        total, _ = self._network.loss(rows)
        total.backward()  # type: ignore[no-untyped-call]
        if any(weight.grad is not None for weight in self._network.trained.values()):
            raise TrainingError(_MIXED)
        with torch.no_grad():
            self._kept.add_to(sums, self._network.recipe.clip)
        return total.item()


class _Kept:
    """What a backward pass leaves behind of a batch."""

    def begin(self, lengths: Sequence[int]) -> None:
        """Forget the last batch. Lengths are the learned tokens of the rows of the next one."""
        self._lengths = list(lengths)
        self._rows: dict[torch.Tensor, torch.Tensor] = {}
        self._tied: dict[torch.Tensor, _Tied] = {}

    def linear(self, weight: torch.Tensor, given: torch.Tensor, back: torch.Tensor) -> None:
        """Keep the use of a matrix: [row, place, in] and [row, place, out], or places alone."""
        if back.ndim == len(("row", "place", "out")) and len(back) == len(self._lengths):
            self._row(weight, torch.bmm(back.transpose(1, 2), given.to(back.dtype)).float())
        elif back.ndim == len(("place", "out")) and len(back) == sum(self._lengths):
            tied = self._of(weight)
            tied.said, tied.rounded = (given.float(), back.float()), back.dtype != torch.float32
        else:
            raise TrainingError(_MIXED)

    def embedding(self, weight: torch.Tensor, ids: torch.Tensor, back: torch.Tensor) -> None:
        """Keep the use of a table: [row, place] and [row, place, out]."""
        self._of(weight).read = ids, back.float()

    def scale(self, weight: torch.Tensor, given: torch.Tensor, back: torch.Tensor) -> None:
        """Keep the use of a factor: [row, place, out] twice."""
        self._row(weight, (given * back).sum(1, dtype=torch.float32))

    def _row(self, weight: torch.Tensor, found: torch.Tensor) -> None:
        self._rows[weight] = self._rows[weight] + found if weight in self._rows else found

    def _of(self, weight: torch.Tensor) -> "_Tied":
        return self._tied.setdefault(weight, _Tied(self._lengths))

    def add_to(self, sums: _Sums, most: float) -> None:
        """Add the rows' gradients to sums by weight, each clipped to a norm over all weights.

        A row whose gradient is no number adds nothing.
        """
        flat = {weight: rows.flatten(1) for weight, rows in self._rows.items()}
        squares = [torch.linalg.vecdot(rows, rows) for rows in flat.values()]
        squares += [tied.squares() for tied in self._tied.values()]
        norms = torch.stack(squares).sum(0).sqrt()
        factors = torch.where(norms.isfinite(), _ROOM * most / norms.clamp(min=_ROOM * most), 0.0)
        if not norms.isfinite().all():
            self._drop(norms.isfinite().logical_not(), [*flat.values()])
        for weight, rows in flat.items():
            sums[weight].view(-1).addmv_(rows.T, factors)
        for weight, tied in self._tied.items():
            tied.add_to(sums[weight], factors)

    def _drop(self, lost: torch.Tensor, flat: Sequence[torch.Tensor]) -> None:
        # No number times nothing is still no number.
        for rows in flat:
            rows[lost] = 0.0
        for tied in self._tied.values():
            tied.drop(lost)


class _Tied:
    """The two uses of an embedding that is the output layer as well.

    With a place's hidden state h and what came back to its logits b, and with what came back to
    a token's embedding e, the gradient of a row is the sum of b h^T and of e at the token's
    place; its squared norm is a sum over pairs of products of these.
    """

    said: tuple[torch.Tensor, torch.Tensor] | None = None
    read: tuple[torch.Tensor, torch.Tensor] | None = None
    rounded: bool = False

    def __init__(self, lengths: Sequence[int]) -> None:
        self._ends = [0]
        for length in lengths:
            self._ends.append(self._ends[-1] + length)

    def squares(self) -> torch.Tensor:
        """Return the squared norm of each row's gradient."""
        (hidden, back), (ids, embedded) = self._both()
        parts = enumerate(pairwise(self._ends))
        return torch.stack(
            [
                _square(hidden[start:end], back[start:end], ids[row], embedded[row])
                for row, (start, end) in parts
            ]
        )

    def add_to(self, total: torch.Tensor, factors: torch.Tensor) -> None:
        """Add the rows' gradients to a sum, each times its factor."""
        (hidden, back), (ids, embedded) = self._both()
        lengths = torch.tensor(self._ends).diff().to(factors.device)
        with _rounding(self.rounded):
            total.addmm_(back.T, hidden * factors.repeat_interleave(lengths)[:, None])
        tokens = (embedded * factors[:, None, None]).flatten(0, 1)
        total.index_add_(0, ids.flatten(), tokens)

    def drop(self, lost: torch.Tensor) -> None:
        """Forget the gradients of some rows."""
        (hidden, back), (_, embedded) = self._both()
        for row in lost.nonzero()[:, 0].tolist():
            part = slice(self._ends[row], self._ends[row + 1])
            hidden[part] = back[part] = 0.0
            embedded[row] = 0.0

    def _both(self) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
        if self.said is None or self.read is None:
            raise TrainingError(_MIXED)
        return self.said, self.read


@contextmanager
def _rounding(allowed: bool) -> Iterator[None]:
    """Let the factors of a product be rounded to 16 bits, never its sum: half the time."""
    settings: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    settings.fp32_precision = "bf16" if allowed else before
    try:
        yield
    finally:
        settings.fp32_precision = before


def _square(
    hidden: torch.Tensor, back: torch.Tensor, ids: torch.Tensor, embedded: torch.Tensor
) -> torch.Tensor:
    said = ((back @ back.T) * (hidden @ hidden.T)).sum()
    read = ((ids[:, None] == ids) * (embedded @ embedded.T)).sum()
    return said + read + 2 * (back[:, ids] * (hidden @ embedded.T)).sum()


def _reroute(model: nn.Module, trained: _Weights, kept: _Kept) -> None:
    """Have every use of a trained weight pass through one of the functions below."""
    found: set[torch.Tensor] = set()
    for module in model.modules():
        own = [weight for weight in module.parameters(recurse=False) if weight.requires_grad]
        if own:
            module.forward = _forward(module, kept)
            found |= set(own)
    if found != set(trained.values()):
        raise TrainingError(_MIXED)


def _forward(module: nn.Module, kept: _Kept) -> Callable[[torch.Tensor], torch.Tensor]:
    match module:
        case nn.Linear(weight=weight, bias=None):
            return partial(_Linear.apply, kept, weight)
        case nn.Embedding(weight=weight):
            return partial(_Embedding.apply, kept, weight)
        case LlamaRMSNorm(weight=weight, variance_epsilon=least):
            scale = partial(_Scale.apply, kept, weight)
            return lambda given: scale(_normal(given, least))
        case _:
            raise TrainingError(_MIXED)


def _normal(given: torch.Tensor, least: float) -> torch.Tensor:
    return functional.rms_norm(given.float(), given.shape[-1:], eps=least).to(given.dtype)


class _Linear(torch.autograd.Function):
    """A product with a matrix."""

    @staticmethod
    def forward(
        ctx: _Context, kept: _Kept, weight: torch.Tensor, given: torch.Tensor
    ) -> torch.Tensor:
        kind = given.device.type
        used = weight
        if torch.is_autocast_enabled(kind):
            # Cast once for both ways.
            dtype = torch.get_autocast_dtype(kind)
            given, used = given.to(dtype), weight.to(dtype)
        ctx.save_for_backward(given, used)
        ctx.weight, ctx.kept = weight, kept
        return functional.linear(given, used)

    @staticmethod
    def backward(ctx: _Context, back: torch.Tensor) -> tuple[None, None, torch.Tensor | None]:
        given, used = ctx.saved_tensors
        ctx.kept.linear(ctx.weight, given, back)
        return None, None, back @ used if ctx.needs_input_grad[2] else None


class _Embedding(torch.autograd.Function):
    """A look into a table."""

    @staticmethod
    def forward(
        ctx: _Context, kept: _Kept, weight: torch.Tensor, ids: torch.Tensor
    ) -> torch.Tensor:
        ctx.weight, ctx.ids, ctx.kept = weight, ids, kept
        return functional.embedding(ids, weight)

    @staticmethod
    def backward(ctx: _Context, back: torch.Tensor) -> tuple[None, None, None]:
        ctx.kept.embedding(ctx.weight, ctx.ids, back)
        return None, None, None


class _Scale(torch.autograd.Function):
    """A product with a factor for each channel."""

    @staticmethod
    def forward(
        ctx: _Context, kept: _Kept, weight: torch.Tensor, given: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(given)
        ctx.weight, ctx.kept = weight, kept
        return given * weight

    @staticmethod
    def backward(ctx: _Context, back: torch.Tensor) -> tuple[None, None, torch.Tensor]:
        (given,) = ctx.saved_tensors
        ctx.kept.scale(ctx.weight, given, back)
        return None, None, back * ctx.weight
