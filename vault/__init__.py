"""The sealed log, consent, keys and collectors: everything that must hold without a model."""
