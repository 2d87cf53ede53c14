"""Redaction: what is private leaves a text, surrogates take its place."""

from projections.redaction.kinds import Kind, Known
from projections.redaction.names import Names
from projections.redaction.pipeline import REDACTOR, Marks, Redacted, Redactor, Replacing, Span
from projections.redaction.surrogates import Surrogates
from projections.redaction.table import RosterEntry, Table

__all__ = [
    "REDACTOR",
    "Kind",
    "Known",
    "Marks",
    "Names",
    "Redacted",
    "Redactor",
    "Replacing",
    "RosterEntry",
    "Span",
    "Surrogates",
    "Table",
]
