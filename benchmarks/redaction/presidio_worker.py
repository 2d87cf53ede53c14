"""Runs Presidio in an environment of its own: sets of texts in, spans and CPU seconds out.

    python presidio_worker.py ENGINE NAMES < in.json > out.json

In: `{set: [text, …]}`. Out: `{set: {"cpu": seconds, "spans": [[[start, end, type], …], …]}}`.
ENGINE is `no_op`, which its documentation names for recognisers that need nothing of a
language model, or `blank`, a blank pipeline of spaCy, which splits into words. One analyzer
is made and used in batches, in one process; the threshold stays at its default. NAMES 1 adds
our names model as a recogniser of its own.
"""

import json
import logging
import sys
import time
from collections.abc import Iterable

import spacy
from presidio_analyzer import (
    AnalyzerEngine,
    BatchAnalyzerEngine,
    EntityRecognizer,
    RecognizerResult,
)
from presidio_analyzer.nlp_engine import NlpArtifacts, NoOpNlpEngine, SpacyNlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistry

_BATCH = 64
_TYPES = ("PERSON", "ORG", "LOC")


class OurNames(EntityRecognizer):
    """Our names model, as Presidio sees a recogniser."""

    def __init__(self) -> None:
        super().__init__(supported_entities=list(_TYPES), name="names")

    def load(self) -> None:
        """Load what we ship."""
        from projections.redaction.fold import composed, folded  # noqa: PLC0415 - only if asked
        from projections.redaction.names import shipped  # noqa: PLC0415 - only if asked

        self._names = shipped()
        self._fold = lambda text: folded(composed(text))

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002 - its interface
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002 - its interface
    ) -> list[RecognizerResult]:
        """Return the people, organisations and places of a text."""
        fold = self._fold(text)
        results = []
        for one in self._names.find(fold):
            start, end = fold.span(one.start, one.end)
            results.append(RecognizerResult(one.kind.name, start, end, one.score))
        return results


def analyzer(engine: str, *, names: bool) -> BatchAnalyzerEngine:
    """Make the one analyzer."""
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    if engine == "blank":
        nlp = SpacyNlpEngine()
        nlp.nlp = {"en": spacy.blank("en")}
    else:
        nlp = NoOpNlpEngine([{"lang_code": "en", "model_name": ""}])
        nlp.load()
    if names:
        registry.add_recognizer(OurNames())
    made = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    return BatchAnalyzerEngine(made)


def masked(batch: BatchAnalyzerEngine, texts: Iterable[str]) -> dict[str, object]:
    """Analyze texts."""
    started = time.process_time()
    results = batch.analyze_iterator(texts, language="en", batch_size=_BATCH, n_process=1)
    cpu = time.process_time() - started
    return {
        "cpu": cpu,
        "spans": [[(r.start, r.end, r.entity_type) for r in one] for one in results],
    }


def main() -> None:
    """Read sets, write spans."""
    logging.disable(logging.WARNING)
    batch = analyzer(sys.argv[1], names=sys.argv[2] == "1")
    for _ in batch.analyze_iterator(["Call Ann on 212 555 0123."], language="en"):
        pass
    out = {}
    for name, texts in json.load(sys.stdin).items():
        print(f"    presidio {sys.argv[1:]} {name}", file=sys.stderr, flush=True)
        out[name] = masked(batch, texts)
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
