"""Statements as a person reads them."""

from vault.consent import Effect, Purpose, Statement

__all__ = ["line_of"]


def line_of(statement: Statement) -> str:
    """Return a statement as a person reads it."""
    filters = statement.filters
    parts = [
        f"{name} {value if isinstance(value, str) else format(value, '%Y-%m-%d')}"
        for name in ("source", "conversation", "person", "since", "until")
        if (value := getattr(filters, name))
    ]
    parts += [f"to {statement.recipient}"] if statement.recipient else []
    parts += [f"expires {statement.expires:%Y-%m-%d}"] if statement.expires else []
    if statement.effect is Effect.ALLOW and statement.purpose is Purpose.TRAIN:
        parts.append(f"redacted {statement.redact}")
    told = f" ({', '.join(parts)})" if parts else ""
    return f"{statement.effect:5} {statement.type} for {statement.purpose}{told}"
