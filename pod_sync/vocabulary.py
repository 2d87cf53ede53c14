"""The terms in which consent is written: those of ODRL 2.2 and DPV 2.3, and our few.

Ours are published as `vocabulary.ttl`, with `shapes.ttl`, beside the documents in the pod. Their
namespace is a UUID: an IRI that is ours for ever, wherever the files lie, and that promises no
server.
"""

import re
from importlib.resources import files
from typing import Final, NamedTuple

from vault.consent import Profile, Purpose

__all__ = [
    "BROADER",
    "DCAT",
    "DCT",
    "DPV",
    "EVERYTHING",
    "ODRL",
    "OURS",
    "PD",
    "PREFIXES",
    "PROFILE",
    "PROV",
    "PURPOSES",
    "RDF",
    "RDFS",
    "REDACTIONS",
    "SKOS",
    "SOURCE",
    "VOID",
    "WEB",
    "XSD",
    "Use",
    "category",
    "compact",
    "published",
]

PROFILE: Final = "urn:uuid:b876bc4f-2ada-4073-acd8-29d8c8d19d9e"
OURS: Final = f"{PROFILE}#"
DCAT: Final = "http://www.w3.org/ns/dcat#"
DCT: Final = "http://purl.org/dc/terms/"
DPV: Final = "https://w3id.org/dpv#"
ODRL: Final = "http://www.w3.org/ns/odrl/2/"
PD: Final = "https://w3id.org/dpv/pd#"
PROV: Final = "http://www.w3.org/ns/prov#"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
VOID: Final = "http://rdfs.org/ns/void#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"

PREFIXES: Final = {
    "dct": DCT,
    "dpv": DPV,
    "odrl": ODRL,
    "pd": PD,
    "rdf": RDF,
    "rdfs": RDFS,
    "v": OURS,
    "xsd": XSD,
}

EVERYTHING: Final = "everything"
"""The document of pauses that name no data type."""

SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""How sources are called; what is called otherwise is hidden."""

WEB: Final = re.compile(r"https?://[\w.~:/?#\[\]@!$&'()*+,;=%-]{1,1024}", re.ASCII)
"""A recipient that is a web address is written as it is; any other one is hidden."""


class Use(NamedTuple):
    """How a purpose is written: our term, the action of ODRL, and what people read."""

    purpose: str
    action: str
    words: str


PURPOSES: Final = {
    Purpose.COLLECT: Use(f"{OURS}Collect", f"{ODRL}archive", "be kept in the vault"),
    Purpose.MIRROR: Use(f"{OURS}Mirror", f"{ODRL}reproduce", "be copied to the pod, sealed"),
    Purpose.SEARCH: Use(f"{OURS}Search", f"{ODRL}index", "be searched on the owner's devices"),
    Purpose.TRAIN: Use(f"{OURS}Train", f"{ODRL}derive", "teach a model that stays with the owner"),
    Purpose.SHARE: Use(f"{OURS}Share", f"{ODRL}distribute", "be given to a recipient"),
}

BROADER: Final = {
    Purpose.COLLECT: f"{DPV}RecordManagement",
    Purpose.MIRROR: f"{DPV}RecordManagement",
    Purpose.SEARCH: f"{DPV}SearchFunctionalities",
    Purpose.TRAIN: f"{DPV}Personalisation",
    Purpose.SHARE: f"{DPV}RequestedServiceProvision",
}
"""The purposes of DPV that ours are kinds of, as `vocabulary.ttl` says too."""

REDACTIONS: Final = {
    Profile.STRICT: f"{OURS}Strict",
    Profile.BALANCED: f"{OURS}Balanced",
    Profile.NAMES_ONLY: f"{OURS}NamesOnly",
}

_CATEGORIES: Final = {
    "message": f"{PD}Communication",
    "message.email": f"{PD}EmailContent",
    "document": f"{PD}PersonalDocuments",
    "post": f"{PD}SocialMediaCommunication",
    "activity": f"{PD}Behavioral",
    "contact": f"{PD}Contact",
    "health": f"{PD}MedicalHealth",
    "finance": f"{PD}Financial",
    "location": f"{PD}Location",
    "sexuality": f"{PD}Sexual",
    "religion": f"{PD}Religion",
    "politics": f"{PD}PoliticalOpinion",
    "ethnicity": f"{PD}Ethnicity",
    "crime": f"{PD}Criminal",
}


def category(data_type: str) -> str:
    """Return the DPV category of a data type: that of the nearest type above it that has one."""
    while data_type:
        if data_type in _CATEGORIES:
            return _CATEGORIES[data_type]
        data_type = data_type.rpartition(".")[0]
    return f"{DPV}PersonalData"


def compact(iri: str) -> str:
    """Return an IRI of `PREFIXES` with its prefix."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    raise KeyError(iri)


def published() -> dict[str, bytes]:
    """Return the files that lie beside the documents, by name."""
    return {
        name: (files("pod_sync") / name).read_bytes() for name in ("vocabulary.ttl", "shapes.ttl")
    }
