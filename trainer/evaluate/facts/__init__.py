"""Whether answers are true: questions from the person's own items, and a judge with a known error."""

from trainer.evaluate.facts.grounding import (
    Answerer,
    Answers,
    Permitted,
    Retrieve,
    grounded,
    searching,
    unaided,
)
from trainer.evaluate.facts.measure import measure
from trainer.evaluate.facts.relevance import relevance

__all__ = [
    "Answerer",
    "Answers",
    "Permitted",
    "Retrieve",
    "grounded",
    "measure",
    "relevance",
    "searching",
    "unaided",
]
