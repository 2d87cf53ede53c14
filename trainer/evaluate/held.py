"""What replies cost a model, in bits: the one measure that needs no judge.

A model that expects what a person wrote needs few bits to write it down. Bits are counted
per byte of text, so that models with other tokenizers compare.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from projections.rows import Message, Row
from trainer.evaluate.intervals import Floats, ratio_interval
from trainer.evaluate.report import Group, Measure

if TYPE_CHECKING:
    import torch

    from trainer.network import Network

__all__ = ["Cost", "bits_per_byte", "costs", "groups", "hardest"]

_BATCH = 32
# Logits of a batch, in numbers: what bounds memory where a vocabulary is large.
_LOGITS = 1 << 25
_IGNORED = -100
_WORST = 5
_FEWEST = 8

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one reply costs; `size` counts its bytes, `tokens` what the model predicts."""

    bits: float
    size: int
    tokens: int


def costs(
    network: "Network",
    conversations: Sequence[Sequence[Message]],
    progress: Told | None = None,
) -> list[Cost]:
    """Return what the last message of each conversation costs, in the order given.

    Computed in float32 where the weights are, in batches of like length; nothing is drawn
    and dropout is off.
    """
    rows = [network.tokens.example(messages) for messages in conversations]
    order = sorted(range(len(rows)), key=lambda at: len(rows[at][0]) + len(rows[at][1]))
    network.model.eval()
    found: list[Cost | None] = [None] * len(rows)
    done = 0
    for places in _batches(order, rows, int(network.model.config.vocab_size)):
        for at, bits in zip(places, _bits(network, [rows[at] for at in places]), strict=True):
            prompt, reply = rows[at]
            # The first token of all has nothing before it, and costs nothing.
            tokens = len(reply) - (not prompt)
            size = len(conversations[at][-1].content.encode())
            found[at] = Cost(bits=bits, size=max(1, size), tokens=max(1, tokens))
        done += len(places)
        if progress:
            progress(done, len(rows))
    return [cost for cost in found if cost is not None]


def _batches(
    order: Sequence[int],
    rows: Sequence[tuple[list[int], list[int]]],
    vocabulary: int,
) -> Iterable[list[int]]:
    batch: list[int] = []
    for at in order:
        longest = len(rows[at][0]) + len(rows[at][1])
        full = (len(batch) + 1) * longest * vocabulary > _LOGITS or len(batch) == _BATCH
        if batch and full:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _bits(network: "Network", rows: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    import torch  # noqa: PLC0415 - takes seconds
    from torch.nn import functional  # noqa: PLC0415

    ids, wanted = _padded(rows, network.tokens.pad)
    learned = wanted != _IGNORED
    places = learned.any(0).nonzero()[:, 0]
    device = next(network.model.parameters()).device
    with torch.inference_mode():
        logits = network.model(
            input_ids=ids.to(device),
            use_cache=False,
            logits_to_keep=places.to(device),
        ).logits.cpu()
        kept = logits[learned[:, places]].float()
        loss = functional.cross_entropy(kept, wanted[learned], reduction="none").double()
    sums = torch.zeros(len(rows), dtype=torch.float64)
    sums.index_add_(0, learned.nonzero()[:, 0], loss)
    return [float(bits) for bits in sums / math.log(2)]


def _padded(
    rows: Sequence[tuple[list[int], list[int]]],
    pad: int,
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return inputs, padded on the right, and what follows each place of a reply."""
    import torch  # noqa: PLC0415

    longest = max(len(prompt) + len(reply) for prompt, reply in rows)
    ids = torch.full((len(rows), longest), pad)
    wanted = torch.full((len(rows), longest), _IGNORED)
    for at, (prompt, reply) in enumerate(rows):
        ids[at, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        wanted[at, len(prompt) : len(prompt) + len(reply)] = torch.tensor(reply)
    return ids[:, :-1], wanted[:, 1:]


def bits_per_byte(
    name: str,
    trained: Sequence[Cost],
    base: Sequence[Cost],
    rows: Sequence[Row],
    seed: int = 0,
) -> Measure:
    """Measure what rows cost; the ceiling is what they cost before anything was learned."""
    if not rows:
        return Measure(name=name, value=None, note="There is no row to measure.")
    bits, size = _arrays(trained)
    low, high = ratio_interval(bits, size, seed)
    return Measure(
        name=name,
        value=float(bits.sum() / size.sum()),
        low=low,
        high=high,
        ceiling=_rate(base),
        n=len(rows),
        note="Bits that a byte of her replies costs; ceiling the model before it learned.",
        worst=hardest(trained, rows),
    )


def groups(trained: Sequence[Cost], base: Sequence[Cost], rows: Sequence[Row]) -> tuple[Group, ...]:
    """Return what held rows cost by type and by source, the dearest first."""
    found: list[Group] = []
    for by in ("type", "source"):
        members: dict[str, list[_Paid]] = defaultdict(list)
        for paid in zip(rows, trained, base, strict=True):
            members[getattr(paid[0].facts, by) or "unknown"].append(paid)
        made = [_group(by, name, members[name]) for name in sorted(members)]
        found += sorted(made, key=lambda group: -group.bits_per_byte)
    return tuple(found)


_Paid = tuple[Row, Cost, Cost]


def _group(by: str, name: str, paid: Sequence[_Paid]) -> Group:
    rows, trained, base = zip(*paid, strict=True)
    return Group(
        by=by,
        name=name,
        rows=len(rows),
        bits_per_byte=_rate(trained),
        base=_rate(base),
        worst=hardest(trained, rows),
    )


def hardest(found: Sequence[Cost], rows: Sequence[Row], most: int = _WORST) -> tuple[str, ...]:
    """Return the examples that cost most beyond what replies of their length cost.

    A short reply costs more per byte than a long one, because its end costs as much; so bits
    are compared with a straight line through all of them, in units of the root of the length.
    """
    if len(rows) < _FEWEST:
        return ()
    bits, size = _arrays(found)
    slope, offset = np.polyfit(size, bits, 1) if len(set(size.tolist())) > 1 else (0.0, bits.mean())
    beyond = (bits - (slope * size + offset)) / np.sqrt(size)
    order = sorted(range(len(rows)), key=lambda at: (-beyond[at], rows[at].id))
    return tuple(dict.fromkeys(rows[at].facts.pair or rows[at].id for at in order[:most]))


def _rate(found: Sequence[Cost]) -> float:
    return sum(cost.bits for cost in found) / sum(cost.size for cost in found)


def _arrays(found: Sequence[Cost]) -> tuple[Floats, Floats]:
    bits = np.array([cost.bits for cost in found], np.float64)
    return bits, np.array([cost.size for cost in found], np.float64)
