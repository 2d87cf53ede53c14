import hashlib

from projections.roots import rows_root
from projections.rows import digest
from trainer.finetune import Trained
from trainer.manifest import build
from trainer.slices import plan


def leaf(row):
    return hashlib.sha256(
        b"\0" + bytes.fromhex(digest(row.events, row.messages, row.split)),
    ).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def test_the_root_is_that_of_rfc_9162_over_sorted_digests(rows):
    a, b, c = (leaf(row) for row in sorted(rows[:3], key=lambda row: row.id))
    assert rows_root(rows[:3]) == node(node(a, b), c).hex()
    assert rows_root(reversed(rows[:3])) == rows_root(rows[:3])
    assert rows_root([]) == hashlib.sha256().hexdigest()


def test_a_manifest_names_rows_statements_states_and_weights(rows, toy, here):
    planned = plan(rows, toy, here)
    trained = Trained(plan=planned, state=planned.state, weights="ab", replayed=4, metrics=())
    manifest = build(trained, model="m", position=9, checkpoint="cd")
    assert manifest.rows == 36
    assert manifest.statements == ("statement-g0", "statement-g1", "statement-g2")
    assert manifest.slices[-1].state == planned.state
    assert (manifest.weights, manifest.base, manifest.position) == ("ab", "", 9)
    assert manifest.recipe == toy.canonical()
