"""What the owner says of examples: it holds, survives, and goes with its items."""

from vault.events import ItemErased, PairReviewed

SENT, RECEIVED = "message.chat.direct.sent", "message.chat.direct.received"


def told(world):
    world.allow("message", RECEIVED, redact="balanced")
    world.collect(
        world.item("how was the concert?", RECEIVED, minute=0),
        world.item("the violins were out of tune all evening", minute=1),
        world.item("will you come along on sunday?", RECEIVED, minute=600),
        world.item("only if the weather holds, call me then", minute=601),
    )
    return {row.messages[-1].content[:4]: row for row in world.rows()}


def answers(world, **kwargs):
    return sorted(row.messages[-1].content for row in world.rows(**kwargs))


def test_a_rejected_pair_stays_out_until_it_is_approved(world):
    row = told(world)["the "]
    world.review(row, "rejected")
    assert answers(world) == ["only if the weather holds, call me then"]
    world.review(row, "approved")
    assert len(answers(world)) == 2


def test_an_edited_pair_says_what_she_wrote_and_is_redacted_like_all_others(world):
    row = told(world)["the "]
    world.review(
        row, "edited", prompt="And the concert?", answer="Priya Nair fell asleep beside me"
    )
    (edited,) = (row for row in world.rows() if "asleep" in row.messages[-1].content)
    assert edited.messages[-2].content == "And the concert?"
    assert "Priya" not in edited.messages[-1].content
    assert edited.facts.pair == row.facts.pair


def test_an_empty_prompt_leaves_the_one_that_stands_there(world):
    world.review(told(world)["only"], "edited", answer="gladly, I bring the umbrella")
    (edited,) = (row for row in world.rows() if "umbrella" in row.messages[-1].content)
    assert edited.messages[-2].content == "will you come along on sunday?"


def test_what_she_said_survives_a_rebuild_and_another_redaction(world):
    rows = told(world)
    world.review(rows["the "], "rejected")
    world.collect(world.item("violins again", with_="name:Vera Violins", conversation="Vera"))
    again = world.clean()
    assert not any("violins were" in row.messages[-1].content for row in world.rows(again))
    assert world.follow().training.dump() == again.training.dump()


def test_approved_pairs_pass_the_filters(world):
    world.allow("message", redact="balanced")
    text = "https://example.org/a/very/long/path"
    world.collect(world.item(text))
    assert world.rows() == []
    (out,) = world.follow().training.left_out()
    assert out.reason == "link"
    world.log.add(PairReviewed(pair=out.pair, item_ids=out.items, verdict="approved"))
    assert len(world.rows()) == 1


def test_erasing_an_item_names_every_entry_that_holds_her_wording(world):
    row = told(world)["the "]
    entries = world.review(row, "edited", answer="it was dreadful from start to end")
    entries += world.review(row, "edited", answer="it was lovely from start to end")
    world.follow()
    assert set(entries) <= set(world.views.entries(row.facts.learned))
    world.erase(*row.facts.learned)
    assert not any("lovely" in answer for answer in answers(world))
    assert world.views.reviews.entries(row.facts.learned) == ()
    assert world.views.owed() == ()


def test_a_review_that_comes_after_the_erasure_is_owed(world):
    row = told(world)["the "]
    world.erase(*row.facts.learned)
    (late,) = world.review(row, "edited", answer="it was dreadful")
    world.follow()
    assert world.views.owed() == (late,)
    world.log.add(ItemErased(item_ids=(late,)))
    world.follow()
    assert world.views.owed() == ()


def test_a_withdrawn_item_takes_the_edited_pair_with_it(world):
    row = told(world)["the "]
    world.review(row, "edited", answer="it was dreadful from start to end")
    assert any("dreadful" in answer for answer in answers(world))
    world.withdraw("message.chat")
    assert answers(world) == []
