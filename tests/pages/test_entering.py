"""Coming in, and what is shown to whom."""


def test_a_known_browser_sees_the_vault(site):
    assert "Your vault" in site.get("/").text


def test_a_locked_vault_asks_for_its_passphrase(site):
    assert site.post("/lock").headers["location"] == "/unlock"
    assert site.get("/", headers={"accept": "text/html"}).headers["location"] == "/unlock"
    site.unlock()
    assert site.get("/").status_code == 200
