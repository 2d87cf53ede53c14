"""The pages in a real browser."""


def test_a_known_browser_comes_in_without_a_word_from_the_console(browser_site):
    browser_site.open("/")
    assert browser_site.page.locator("h1").inner_text() == "Your vault"
    assert browser_site.troubles == []
