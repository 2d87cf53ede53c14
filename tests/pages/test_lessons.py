"""The lessons: seven of them, a screen each."""

import re
from itertools import pairwise

import pytest

from console.pages.lessons import LESSONS


def test_the_list_leads_to_every_lesson(site):
    text = site.get("/lessons").text
    assert len(LESSONS) == 7
    for lesson in LESSONS:
        assert f'href="/lessons/{lesson.name}"' in text


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.name)
def test_a_lesson_fits_a_screen_and_says_what_is_so_in_this_vault(site, lesson):
    text = site.get(f"/lessons/{lesson.name}").text
    article = re.sub(r"<svg.*?</svg>", "", text[text.index("<article") :], flags=re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", article).split()
    assert 120 < len(words) < 330
    assert "In this vault" in article
    assert 'class="pic' in text
    assert "!" not in " ".join(words)


def test_lessons_lead_from_one_to_the_next(site):
    for before, after in pairwise(LESSONS):
        assert f'href="/lessons/{after.name}"' in site.get(f"/lessons/{before.name}").text
        assert f'href="/lessons/{before.name}"' in site.get(f"/lessons/{after.name}").text


def test_a_lesson_that_is_not_there_is_told(site):
    answer = site.get("/lessons/nothing")
    assert answer.status_code == 404
    assert "There is no such lesson" in answer.text
