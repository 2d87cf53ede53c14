"""Canaries: invented secrets planted into texts to see which of them redaction lets through.

Nothing of the owner's is needed. A canary is a value that looks real (its check digits are
right, it is in no range reserved for examples) in one of the forms people write it in, under
one of the disguises that texts wear. How many of them survive says what share of real ones
may; it is an estimate for secrets like the planted ones, not a promise about all others.
"""

from projections.redaction.canaries.estimate import Risk, Share, estimate, upper_bound
from projections.redaction.canaries.plant import Canary, Person, plant
from projections.redaction.canaries.survival import survived

__all__ = ["Canary", "Person", "Risk", "Share", "estimate", "plant", "survived", "upper_bound"]
