import pytest

from projections.redaction import secrets
from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Kind


def found(text: str) -> list[str]:
    text = composed(text)
    fold = folded(text)
    secret = list(secrets.find(fold))
    assert {one.kind for one in secret} <= {Kind.SECRET}
    return [text[slice(*fold.span(one.start, one.end))] for one in secret]


BODY = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bD2fG4hJ6kL8n"


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "QUORN7EXAMPLE2AB",
        "ghp_" + BODY[:36],
        "github_pat_" + BODY,
        "glpat-" + BODY[:20],
        "xoxb-" + "2718281828-" + BODY[:24],
        "AIza" + BODY[:35],
        "ya29." + BODY,
        "sk_live_" + BODY[:24],
        "sk-ant-api03-" + BODY,
        "sk-proj-" + BODY,
        "hf_" + BODY[:34],
        "npm_" + BODY[:36],
        "pypi-" + BODY,
        "SG." + BODY[:22] + "." + BODY,
        "shpat_" + "0123456789abcdef" * 2,
        "hvs." + BODY,
        "AC" + "0123456789abcdef" * 2,
        "271828182:AA" + BODY[:33],
        "AGE-SECRET-KEY-1" + "QUORNQUORN2" * 5,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "https://anna:swordfish@host.example/path",
        "postgres://anna:swordfish@db.example:5432/home",
        "QW3RT-Y7UIO-P1ASD-F9GHJ-K2LZX",
        BODY,
    ],
)
def test_tokens_are_found_wherever_they_stand(token: str) -> None:
    assert token in found(f"use {token} for it")


def test_a_private_key_is_found_to_its_end_even_where_that_is_missing() -> None:
    lines = "\n".join([BODY] * 5)
    begin, end = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    assert f"{begin}\n{lines}\n{end}" in found(f"here: {begin}\n{lines}\n{end} bye")
    assert f"{begin}\n{lines}" in found(f"here: {begin}\n{lines}")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: hunter2", "hunter2"),
        ("my password is swordfish", "swordfish"),
        ("the wifi password for the cabin is trout77", "trout77"),
        ('{"password": "two words"}', '"two words"'),
        ("DB_PASSWORD=tr0ub4dor", "tr0ub4dor"),
        ("dbPassword=tr0ub4dor", "tr0ub4dor"),
        ("Passwort: Forelle9", "Forelle9"),
        ("mein Kennwort ist forelle", "forelle"),
        ("mot de passe : truite9", "truite9"),
        ("la contraseña es trucha9", "trucha9"),
        ("la parola d'ordine è trota9", "trota9"),
        ("a senha é truta9", "truta9"),
        ("wachtwoord: forel9", "forel9"),
        ("hasło: pstrag9", "pstrag9"),
        ("api_key = 'trout-trout-9'", "'trout-trout-9'"),
        ("X-Api-Key: trout9trout9", "trout9trout9"),
        ("Authorization: Bearer trout9.trout9", "trout9.trout9"),
        ("secret token trout9_trout", "trout9_trout"),
        ("Server=db;User Id=sa;Password=tr0ut;", "tr0ut"),
        ("the PIN is 4417", "4417"),
        ("your verification code: 482913", "482913"),
        ("482913 is your login code", "482913"),
        ("door code 4417#", "4417#"),
        ("Der PIN lautet 4417", "4417"),
        ("il codice è 4417", "4417"),
        ("recovery codes: 8f3k-29dk-1k2j", "8f3k-29dk-1k2j"),
        ("https://host.example/a?token=trout9&x=1", "trout9"),
        ("session=trout9trout", "trout9trout"),
    ],
)
def test_what_stands_beside_a_telling_word_is_found(text: str, secret: str) -> None:
    assert secret in found(text)


def test_a_seed_phrase_is_found_after_its_word_and_alone_on_a_line() -> None:
    phrase = "river lemon orbit canvas shuffle maple tunnel eager wolf bronze picnic velvet"
    assert phrase in found(f"seed phrase: {phrase}")
    assert phrase in found(f"write this down\n{phrase}\nand hide it")


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password again",
        "your password is required",
        "the password is not set",
        "the key to success is patience",
        "area code 212 and zip code 10001",
        "she unlocked the door at 10:30 and paid $1200",
        "internationalisation-of-everything",
        "we met at the river and had lemon cake with friends while the others were gone home",
        "see https://example.com/articles/a-long-title-of-an-article",
    ],
)
def test_talk_about_secrets_is_none(text: str) -> None:
    assert found(text) == []
