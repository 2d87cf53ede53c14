"""Training, models and examples of a vault that may not teach anything yet."""

import pytest


@pytest.mark.parametrize(
    ("path", "words", "way"),
    [
        ("/training", "Nothing may be learned yet", "/consent"),
        ("/models", "No model yet", "/training"),
        ("/pairs", "No examples yet", "/consent"),
        ("/pairs/bias", "No examples yet", "/consent"),
    ],
)
def test_where_there_is_nothing_the_page_leads_on(site, path, words, way):
    page = site.get(path).text
    assert words in page
    assert f'class="btn primary" href="{way}"' in page
