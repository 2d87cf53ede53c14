"""Redaction: known people and recognisable secrets leave a text, surrogates take their place."""

from projections.redaction.pipeline import REDACTOR, Redacted, Redactor, Span
from projections.redaction.roster import Known, Table

__all__ = ["REDACTOR", "Known", "Redacted", "Redactor", "Span", "Table"]
