"""How far the judge of facts can be believed, and what it says of a voice and of a search.

    python benchmarks/facts.py [--data FOLDER] [--me NAME,ADDRESS] [--limit N] [--no-voice]

`judge` compares verdicts with answers that were judged by hand and held back, once for each
way of telling nearness; `minilm` is there where the extra `search` is installed. `planted` makes
notes about people of whom everything is known, and tells how many of the questions made from
them have the right answer, and how many of those that nothing answers really have none.
`sample` asks about the demo's vault (its own items, real search, real consent): a parrot that
is given the answers, a reader that quotes the line that it finds most like the question, and
the no-download voice, each with what a search finds and without. The voice is trained on what
the demo trains on; it is a voice and no memory, and this is the figure for that.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from faker import Faker
from voice import SAMPLE, vault_of

from console.bootstrap import Twin
from projections.embed import Embedder, chosen
from projections.errors import NoEmbedder
from projections.rows import Message
from projections.timeline import Stored
from trainer import engine, states
from trainer.environment import observe
from trainer.evaluate.facts import grounded, measure, searching, unaided
from trainer.evaluate.facts.judge import Judge
from trainer.evaluate.facts.labelled import agreement, labelled
from trainer.evaluate.facts.questions import Question, made
from trainer.evaluate.facts.values import plain, words
from trainer.evaluate.facts.wording import content
from trainer.finetune import train
from trainer.recipe import preset
from trainer.slices import plan
from trainer.states import Memory
from vault.consent import Purpose
from vault.items import Item

PEOPLE = 300
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
FOODS = ("nuts", "milk", "shellfish", "eggs", "wheat", "celery", "mustard", "sesame")
JOBS = ("nurse", "carpenter", "teacher", "pilot", "baker", "plumber", "lawyer", "gardener")


def judged() -> dict[str, object]:
    """Return how each judge agrees with a person on the answers held back."""
    found: dict[str, object] = {"answers": len(labelled())}
    for name in ("words", "static", "minilm"):
        judge = Judge(embedder(name))
        try:
            agreed = agreement(judge)
        except NoEmbedder:
            found[name] = None
            continue
        ways, right = Counter[str](), Counter[str]()
        for one in labelled():
            if one.held:
                ways[one.how] += 1
                right[one.how] += judge.judge(one.asked, one.answer) is one.verdict
        found[name] = {
            "n": agreed.n,
            "accuracy": round(agreed.accuracy, 3),
            "interval": [round(agreed.low, 3), round(agreed.high, 3)],
            "kappa": round(agreed.kappa, 3),
            "commonest_verdict": round(agreed.commonest, 3),
            "precision": {verdict: round(value, 3) for verdict, value in agreed.precision},
            "recall": {verdict: round(value, 3) for verdict, value in agreed.recall},
            "by_way": {way: f"{right[way]}/{ways[way]}" for way in sorted(ways)},
        }
    return found


def embedder(name: str) -> Embedder | None:
    """Return what tells nearness: nothing for words alone."""
    return None if name == "words" else chosen(name)


# ---------------------------------------------------------------------- planted facts


def planted(people: int) -> dict[str, object]:
    """Return how many questions about invented people are as they should be."""
    items, truth = world(people)
    there = [({*words(plain(f"{s.item.title} {s.item.text}"))}, s) for s in items]

    def retrieve(query: str) -> list[Stored]:
        asked = {*content(plain(query))}
        return [s for _, s in sorted(there, key=lambda one: -len(asked & one[0]))[:6]]

    found = made(items, permitted=set, retrieve=retrieve, limit=people // 3)
    right = [truth.get(question.text) == question.gold for question in found if question.gold]
    empty = [question.text not in truth for question in found if not question.gold]
    return {
        "items": len(items),
        "answerable": len(right),
        "gold_is_right": round(sum(right) / len(right), 4),
        "unanswerable": len(empty),
        "nothing_answers": round(sum(empty) / len(empty), 4),
        "kinds": dict(Counter(question.kind for question in found)),
    }


def world(people: int) -> tuple[list[Stored], dict[str, str]]:
    """Return notes about people with the truth about each, said in one of them amid other words."""
    fake, dice = Faker("en_GB"), random.Random(0)
    fake.seed_instance(0)
    items, truth = [], {}
    for number in range(people):
        name = f"{fake.first_name()} {fake.last_name()}".replace("'", "")
        city = fake.city()
        at = NOON + timedelta(days=number)
        when = f"{at.day} {at:%B}"
        job, food, sum_ = dice.choice(JOBS), dice.choice(FOODS), dice.randint(10, 990)
        said, question, answer = dice.choice(
            [
                (f"{name} lives in {city}", f"Where does {name} live?", city),
                (f"{name} works as a {job} now", f"What does {name} do for a living?", job),
                (f"{name} is allergic to {food}", f"What is {name} allergic to?", food),
                (f"{name}'s birthday is on {when}", f"When is {name}'s birthday?", when),
            ]
        )
        title = f"{fake.word()} {number}"
        text = f"{fake.sentence()} {said}.\n{fake.sentence()}\nbill: £{sum_} in all"
        item = Item(
            source="notes",
            native_id=str(number),
            type="document.note",
            at=at,
            title=title,
            text=text,
        )
        items.append(Stored(f"planted-{number}", number, item))
        truth |= {
            question: answer,
            f"When did you write your note “{title}”?": f"{at.day} {at:%B} {at.year}",
            f"What does your note “{title}” say about “bill”?": f"£{sum_} in all",
            f"What amount of money does your note “{title}” name?": f"£{sum_}",
            f"Which date does your note “{title}” name?": when.lower(),
        }
    return items, truth


# ---------------------------------------------------------------------- the sample


def asked(twin: Twin, limit: int, *, voice: bool) -> dict[str, object]:
    """Return what is measured of a parrot, a reader and a voice."""
    views = twin.views
    retrieve = searching(views.search, views.timeline, twin.now)

    def permitted(ids: Sequence[str]) -> set[str]:
        return {one for one in ids if views.search.decide(one, twin.now).permitted}

    started = time.process_time()
    found = made(views.timeline.everything(), permitted=permitted, retrieve=retrieve, limit=limit)
    seconds = time.process_time() - started
    answers: dict[str, Callable[..., Sequence[str]]] = {
        "parrot": partial(parrot, {q.text: q for q in found}),
        "reader": reader,
    }
    if voice:
        answers["voice"] = spoken(twin)
    measured = {}
    for name, speak in answers.items():
        measures = measure(
            views.timeline.everything(),
            permitted=permitted,
            retrieve=retrieve,
            aided=grounded(speak, retrieve),
            plain=unaided(speak),
            limit=limit,
        )
        measured[name] = {
            one.name: [None if v is None else round(v, 3) for v in (one.value, one.low, one.high)]
            for one in measures
        }
        bounds = next(one for one in measures if one.name == "factuality")
        measured[name]["factuality_floor_ceiling"] = [bounds.floor, bounds.ceiling]
    return {
        "questions": len(found),
        "answerable": sum(bool(question.gold) for question in found),
        "kinds": dict(Counter(question.kind for question in found)),
        "cpu_ms_a_question": round(1000 * seconds / max(1, len(found)), 1),
        "answerers": measured,
    }


def parrot(known: dict[str, Question], conversations: Sequence[Sequence[Message]]) -> Sequence[str]:
    """Give every answer as it should be."""
    asked_now = [messages[-1].content for messages in conversations]
    return [known[text].gold or "I don't know." for text in asked_now]


def reader(conversations: Sequence[Sequence[Message]]) -> list[str]:
    """Quote the line shown that shares most words with the question; without one, give up."""
    return [_read(messages) for messages in conversations]


def _read(messages: Sequence[Message]) -> str:
    question = {*content(plain(messages[-1].content))}
    lines = [line for one in messages[:-1] for line in one.content.splitlines()[1:]]
    best = max(lines, key=lambda line: len(question & {*content(plain(line))}), default="")
    return best if question & {*content(plain(best))} else "I don't know."


def spoken(twin: Twin) -> Callable[[Sequence[Sequence[Message]]], list[str]]:
    """Return the answers of the no-download voice, trained on what may be learned."""
    recipe, store = preset("voice"), Memory()
    planned = plan(list(twin.rows()), recipe, observe(recipe))
    trained = train(planned, store, lambda rows: {row.id for row in rows})
    weights = store.read(states.name_of(trained.state))
    assert weights is not None
    voice = engine.load(weights, recipe)
    return partial(voice.answers, sampling=engine.Sampling(longest=60))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument(
        "--me", default="Hedy Marlowe,hedy.marlowe@example.org,h.marlowe@wyllmuseum.example"
    )
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--no-voice", action="store_true")
    said = parser.parse_args()
    purposes = (Purpose.SEARCH, Purpose.TRAIN)
    with vault_of(said.data, said.me.split(","), purposes) as twin:
        sample = asked(twin, said.limit, voice=not said.no_voice)
    found = {
        "benchmark": "facts",
        "judge": judged(),
        "planted": planted(PEOPLE),
        "sample": sample,
    }
    json.dump(found, sys.stdout, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
