"""Drafts: examples worth training on, before redaction, of which only her own words are learned."""

from projections.drafts.draft import Draft, Kind, QuestionWriter, Role, Said
from projections.drafts.drafting import DRAFTS, drafts_of
from projections.drafts.standard import standard

__all__ = ["DRAFTS", "Draft", "Kind", "QuestionWriter", "Role", "Said", "drafts_of", "standard"]
