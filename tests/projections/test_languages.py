import pytest

from projections.drafts.language import LANGUAGES, guessed


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("See you at the station, it is late", "en"),
        ("Kommst du heute auch mit uns ins Kino?", "de"),
        ("C\u2019est très bien, mais je ne suis pas là", "fr"),
        ("Pero yo no sé qué más hay", "es"),
        ("Non lo so, ma questo è molto bello", "it"),
        ("Você também está muito cansado", "pt"),
        ("Ik weet het niet, maar het is goed", "nl"),
        ("Nie wiem, ale jak już jestem, to tylko na chwilę", "pl"),
        ("Привет, как дела", ""),
        ("ok", ""),
        ("la la la", ""),
        ("12:30?", ""),
        ("", ""),
    ],
)
def test_a_language_is_guessed_by_two_common_words_or_not_at_all(text, language):
    assert guessed(text) == language


def test_the_counts_of_one_language_do_not_run_over_into_another():
    assert guessed("the " * 5000) == "en"
    assert guessed("w " * 5000) == "pl"


def test_every_language_is_one_that_its_own_words_decide():
    assert set(LANGUAGES) == {"en", "de", "fr", "es", "it", "pt", "nl", "pl"}
