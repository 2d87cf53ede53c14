"""The parts of the benchmark: each measures one thing and returns its figures."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from benchmarks.redaction import door, labelling, planted
from benchmarks.redaction.figures import Figure
from benchmarks.redaction.lists import on_a_list
from benchmarks.redaction.metrics import Hiding, hiding, naming, share, words_masked
from benchmarks.redaction.reading import PERSON, Text, found, own, stored
from benchmarks.redaction.yardstick import Yardstick

__all__ = ["LANGUAGES", "Bench"]

LANGUAGES = {
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
}
_LONG = {"clinical": 0.80, "format": 0.80, "temporal": 0.80}
_PATTERNS_ONLY = {"adversarial": (0.15, None), "synth": (0.18, 0.95)}
_SAMPLE = 60_000
_ROUNDS = 3
_MESSAGE = 200
Details = dict[str, object]


class Bench:
    """What the parts share: where things lie, and what was found beside the figures."""

    def __init__(self, sets: Path | None, environment: Path, scratch: Path) -> None:
        self._sets = sets
        self._environment = environment
        self._scratch = scratch
        self.details: Details = {}

    @cached_property
    def _yardstick(self) -> Yardstick:
        return Yardstick(self._environment)

    def _set(self, word: str) -> list[Text]:
        path = found(self._sets, word)
        if path is None:
            print(f"    no set of the name …{word}…: skipped", file=sys.stderr, flush=True)
            return []
        return stored(path)

    def _roster(self) -> Path | None:
        return (
            next(iter(sorted(self._sets.glob("*vaultchat*roster*.json"))), None)
            if self._sets
            else None
        )

    def leaks(self) -> list[Figure]:
        """Compare what leaks with what Presidio lets through, set by set."""
        sets = {word: texts for word in (*_LONG, *_PATTERNS_ONLY) if (texts := self._set(word))}
        given = {word: [text.text for text in texts] for word, texts in sets.items()}
        if not sets:
            return []
        pattern = self._yardstick.mask(given)
        named = {word: texts for word, texts in given.items() if word in _LONG}
        with_names = self._yardstick.mask(named, names=True) if named else {}
        figures: list[Figure] = []
        for word, texts in sets.items():
            ours = hiding(texts, door.redact(given[word]))
            theirs = {"pattern-only": hiding(texts, pattern[word].spans)}
            if word in with_names:
                theirs["with our names model"] = hiding(texts, with_names[word].spans)
            figures += _leak_figures(word, ours, theirs)
            self.details[f"leak, {word}"] = _detail(ours) | {
                f"Presidio {how}": {"leak": one.leak, "precision": one.precision}
                for how, one in theirs.items()
            }
        return figures

    def chat(self) -> list[Figure]:
        """Measure people in chats: known ones, unknown ones, whose pseudonym is whose."""
        texts, roster = self._set("vaultchat"), self._roster()
        if not texts or roster is None:
            return []
        masks = door.redact([text.text for text in texts], roster=roster)
        count = naming(texts, masks, on_a_list)
        self.details["chat"] = count._asdict() | _detail(hiding(texts, masks))
        return [
            Figure(
                "chat: known people hidden", share(count.known_hidden, count.known), ">=", 0.985
            ),
            Figure(
                "chat: unknown people outside any list of names hidden",
                share(count.unlisted_hidden, count.unlisted),
                ">=",
                0.85,
                f"{count.unlisted} of {count.unknown} unknown",
            ),
            Figure("chat: unknown people hidden", share(count.unknown_hidden, count.unknown)),
            Figure(
                "chat: precision on persons",
                share(count.predicted_right, count.predicted),
                ">=",
                0.95,
            ),
            Figure(
                "chat: right pseudonym of the known who are hidden",
                share(count.known_right, count.known_hidden),
                ">=",
                0.98,
            ),
        ]

    def short(self) -> list[Figure]:
        """Measure short public texts: how many words of people's names are masked."""
        figures = []
        for word, name in (("wnut", "WNUT17"), ("btc", "Broad Twitter Corpus")):
            if texts := self._set(word):
                masks = door.redact([text.text for text in texts])
                masked = words_masked(texts, masks)
                figures.append(Figure(f"{name}: words of people masked", masked, ">=", 0.85))
                self.details[name] = _detail(hiding(texts, masks))
        return figures

    def languages(self) -> list[Figure]:
        """Measure our own sentences in seven languages."""
        figures = []
        for code, language in LANGUAGES.items():
            texts = own(f"{code}.txt")
            masks = door.redact([text.text for text in texts])
            count = naming(texts, masks, on_a_list)
            people = hiding(texts, masks)
            hidden = share(people.hidden[PERSON], people.entities[PERSON])
            addresses = share(people.hidden["ADDRESS"], people.entities["ADDRESS"])
            figures += [
                Figure(f"{language}: people hidden", hidden, ">=", 0.80, f"{len(texts)} sentences"),
                Figure(
                    f"{language}: rare or invented", share(count.unlisted_hidden, count.unlisted)
                ),
                Figure(f"{language}: precision", share(count.predicted_right, count.predicted)),
                Figure(f"{language}: addresses hidden", addresses),
            ]
            self.details[language] = count._asdict() | _detail(people)
        return figures

    def labels(self) -> list[Figure]:
        """Measure labels of sensitive matters."""
        figures = []
        for one in labelling.measured():
            goal = 0.90 if one.label == "health" else None
            note = f"{one.lines} lines; at its own threshold {one.recall:.3f} / {one.false:.3f}"
            what = f"{one.label}: recall at 2 % false positives"
            figures.append(Figure(what, one.at_two, ">=", goal, note))
            self.details[f"label {one.label}"] = one._asdict()
        return figures

    def canaries(self) -> list[Figure]:
        """Plant canaries in a vault and look for them in its training view."""
        done = planted.planted(self._scratch)
        figures = [
            Figure(
                f"canaries surviving: {one.group}",
                one.survived,
                "<=",
                None if one.group == "unknown people" else 0,
                f"of {one.planted}; share below {one.upper:.3f} (95 %)",
            )
            for one in done.risk.shares
        ]
        figures.append(Figure("canaries in rows, share", done.in_rows / done.canaries))
        self.details["canaries"] = [
            f"{c.kind}/{c.form}/{c.encoding}{' known' if c.known else ''}"
            for c in done.risk.survivors
            if c.known or c.kind.name != PERSON
        ]
        return figures

    def speed(self) -> list[Figure]:
        """Compare CPU seconds on the same texts, the best of a few processes each."""
        texts = list(self._sample())
        if not texts:
            return []
        messages = list(_messages(texts))
        rounds = {str(number): texts for number in range(_ROUNDS)}
        theirs = min(one.cpu for one in self._yardstick.mask(rounds).values())
        size = sum(map(len, texts)) / 1e6
        spent = {what: self._spent(what, texts) for what in ("parts", "rows", "whole")}
        short = {what: self._spent(what, messages) for what in ("rows", "whole")}
        self.details["speed, million characters a CPU second"] = {
            "characters": size,
            "texts": len(texts),
            f"Presidio {self._yardstick.version}": size / theirs,
            **{
                f"{what}, {how}": size / cpu
                for what, of in spent.items()
                for how, cpu in of.items()
            },
        }
        self.details["speed, messages a CPU second"] = {
            "messages": len(messages),
            "characters a message": sum(map(len, messages)) / len(messages),
            **{
                f"{what}, {how}": len(messages) / cpu
                for what, of in short.items()
                for how, cpu in of.items()
            },
        }
        note = f"{size:.2f} M characters, seen for the first time"
        known = "speed: roster, patterns, secrets / Presidio"
        return [
            Figure(known, theirs / spent["parts"]["cold"], ">=", 20, note),
            Figure("speed: whole / Presidio", theirs / spent["whole"]["cold"], ">=", 6, note),
            Figure(f"{known}, seen again", theirs / spent["parts"]["warm"]),
            Figure("speed: whole / Presidio, seen again", theirs / spent["whole"]["warm"]),
        ]

    def _sample(self) -> Iterator[str]:
        for word in (*_LONG, *_PATTERNS_ONLY, "vaultchat", "wnut", "btc"):
            size = 0
            for text in self._set(word):
                if size > _SAMPLE:
                    break
                size += len(text.text)
                yield text.text

    def _spent(self, what: str, texts: Sequence[str]) -> dict[str, float]:
        """Return CPU seconds, `cold` and `warm`."""
        roster = self._roster()
        arguments = [sys.executable, "-m", "benchmarks.redaction.speed", what]
        arguments += [str(roster)] if roster else []
        given = json.dumps(texts)
        done = [_seconds(arguments, given) for _ in range(_ROUNDS)]
        return {how: min(one[how] for one in done) for how in ("cold", "warm")}


def _messages(texts: Sequence[str]) -> Iterator[str]:
    """Yield texts as messages of about two hundred characters."""
    message = ""
    for line in (line for text in texts for line in text.split("\n")):
        message = f"{message} {line}".strip()
        while len(message) >= _MESSAGE:
            yield message[:_MESSAGE]
            message = message[_MESSAGE:]


def _seconds(arguments: list[str], given: str) -> dict[str, float]:
    done = subprocess.run(arguments, check=True, input=given, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout)
    return {how: float(told[how]) for how in ("cold", "warm")}


def _leak_figures(word: str, ours: Hiding, theirs: dict[str, Hiding]) -> Iterator[Figure]:
    asked, precision = _PATTERNS_ONLY.get(word, (0.15, _LONG.get(word)))
    for how, one in theirs.items():
        goal = asked if how == "pattern-only" else 0.35
        note = f"{ours.leak:.3f} against {one.leak:.3f}"
        yield Figure(f"{word}: leak / Presidio {how}", share(ours.leak, one.leak), "<=", goal, note)
    yield Figure(f"{word}: token precision", ours.precision, ">=", precision)


def _detail(one: Hiding) -> Details:
    return {
        "leak": one.leak,
        "precision": one.precision,
        "recall": one.recall,
        "hidden by type": {
            type_: [one.hidden[type_], count] for type_, count in one.entities.most_common()
        },
    }
