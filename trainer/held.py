"""A slice in the middle: weights, moments, random numbers and step, as one safetensors file.

Nothing is unpickled, and nothing is rounded: what goes on from here arrives at the same bits.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from trainer.errors import TrainingError

if TYPE_CHECKING:
    import torch

__all__ = ["Holder", "restore", "save"]


class Holder(Protocol):
    """A network, as far as it is kept: its weights and what else it learned, by name."""

    def tensors(self) -> "dict[str, torch.Tensor]":
        """Return everything that training changes."""

    def put(self, kept: "dict[str, torch.Tensor]") -> None:
        """Put back what `tensors` returned."""


_WEIGHTS, _MOMENTS, _DICE, _STEP = "weights.", "moments.", "dice.", "step"


def save(step: int, network: Holder, optimizers: "Sequence[torch.optim.Optimizer]") -> bytes:
    """Return everything that the rest of a slice depends on, after some steps of it."""
    import torch  # noqa: PLC0415 - takes seconds
    from safetensors.torch import save as written  # noqa: PLC0415

    tensors = {_WEIGHTS + name: tensor for name, tensor in network.tensors().items()}
    for name, weight, optimizer in _places(optimizers):
        for key, value in optimizer.state[weight].items():
            tensors[f"{_MOMENTS}{name}.{key}"] = value.detach().cpu().contiguous()
    tensors |= {_DICE + kind: dice for kind, dice in _dice().items()}
    return written(tensors | {_STEP: torch.tensor(step)})


def restore(
    body: bytes,
    network: Holder,
    optimizers: "Sequence[torch.optim.Optimizer]",
) -> int:
    """Put back what `save` returned, into fresh optimizers; return the step.

    Raises:
        TrainingError: It is damaged, or of another model.
    """
    import torch  # noqa: PLC0415
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load  # noqa: PLC0415

    try:
        tensors = load(body)
    except SafetensorError as error:
        raise TrainingError("A checkpoint is damaged; delete it and train again.") from error
    network.put(
        {name.removeprefix(_WEIGHTS): t for name, t in tensors.items() if name.startswith(_WEIGHTS)}
    )
    for name, weight, optimizer in _places(optimizers):
        start = f"{_MOMENTS}{name}."
        for key, value in tensors.items():
            if key.startswith(start):
                # AdamW counts its steps on the processor unless it is fused for the device.
                optimizer.state[weight][key.removeprefix(start)] = value.to(weight.device)
    torch.set_rng_state(tensors[_DICE + "cpu"])
    if _DICE + "cuda" in tensors:
        torch.cuda.set_rng_state(tensors[_DICE + "cuda"])
    return int(tensors[_STEP])


def _places(
    optimizers: "Sequence[torch.optim.Optimizer]",
) -> "Iterator[tuple[str, torch.Tensor, torch.optim.Optimizer]]":
    """Yield every weight with a name that does not depend on the process, and its optimizer."""
    for at, optimizer in enumerate(optimizers):
        weights = (weight for group in optimizer.param_groups for weight in group["params"])
        for number, weight in enumerate(weights):
            yield f"{at}.{number}", weight, optimizer


def _dice() -> "dict[str, torch.Tensor]":
    import torch  # noqa: PLC0415

    found = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state()
    return found
