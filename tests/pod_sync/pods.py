"""New pods on a server, fake or real, as their owners make them."""

import secrets

import httpx2

from pod_sync.access import Form, document
from pod_sync.session import Access

__all__ = ["new_pod", "shared"]


def new_pod(url: str, transport: httpx2.BaseTransport | None = None) -> Access:
    """Make an account with one pod on a server, as its owner would (account API 0.5)."""
    name = f"ada{secrets.token_hex(4)}"
    with httpx2.Client(transport=transport, timeout=60, trust_env=False) as client:

        def post(control: str, **asked: str) -> dict[str, str]:
            answer = client.post(control, json=asked, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()

        headers: dict[str, str] = {}
        entered = post(f"{url}.account/account/")
        headers = {"Authorization": f"CSS-Account-Token {entered['authorization']}"}
        controls = client.get(f"{url}.account/", headers=headers).json()["controls"]
        post(controls["password"]["create"], email=f"{name}@ada.example", password=name)
        pod = post(controls["account"]["pod"], name=name)
        given = post(controls["account"]["clientCredentials"], name="twin", webId=pod["webId"])
    return Access(
        url=pod["pod"], webid=pod["webId"], issuer=url, client_id=given["id"], secret=given["secret"]
    )  # fmt: skip


def shared(form: Form, owner: str, other: str) -> bytes:
    """Return an access document that lets another WebID read and write beside the owner."""
    rules = {
        Form.WAC: f"""<#other> a acl:Authorization; acl:agent <{other}>;
            acl:accessTo <./>; acl:default <./>; acl:mode acl:Read, acl:Write.""",
        Form.ACP: f"""<#access> acp:accessControl <#other>; acp:memberAccessControl <#other>.
            <#other> a acp:AccessControl; acp:apply [ a acp:Policy; acp:allow acl:Read, acl:Write;
            acp:allOf [ a acp:Matcher; acp:agent <{other}> ] ].""",
    }
    return document(form, owner) + rules[form].encode()
