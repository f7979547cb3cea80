"""The claims usage and not-used: periods, what closes them, figures, and who the customer is."""

from __future__ import annotations

import pytest

from candid_verify import verify
from candid_verify.canonical import canonical

NOVEMBER, DECEMBER, DAY = 1_761_955_200_000, 1_764_547_200_000, 86_400_000


def judged(world, evidence):
    return verify(world.seal(evidence), log_key=world.key)


def usage(world, *indexes, customer=None, **period):
    return judged(world, world.usage(customer or world.acme, indexes, **period))


def not_used(world, *indexes, customer=None, **period):
    return judged(world, world.usage(customer or world.acme, indexes, name="not-used", **period))


def says(sentences, words):
    return any(words in each for each in sentences)


def test_a_month_with_its_bill(world):
    verdict = judged(world, world.november())
    assert (verdict.verdict, verdict.reason) == ("established", None)
    assert says(verdict.established, "The log has 9 calls of the customer from 1 November 2025")
    assert says(verdict.established, "“SearchFacesByImage” 6 (denied 1, errors 1, units 4)")
    # Five images of group 1: two are free, two cost 1,000 and one 800 micro-units; three faces of one day of thirty
    # at 10 a month are 1 micro-unit.
    assert says(verdict.established, "cost 0.002801 USD, in 4 lines")
    assert says(verdict.established, "“Acme Trading B.V.” of “NL”")
    assert says(verdict.established, "All 22 labels")


def test_all_there_is_by_a_statement(world):
    verdict = usage(world, *world.calls, world.acme_statement)
    assert verdict.verdict == "established"
    assert says(verdict.established, "states that the customer had made 10 calls in all")
    assert says(verdict.not_established, "no month that lies in the period whole is billed")
    assert verdict.as_of == "2025-12-01T00:00:00.008Z"


def test_a_customer_without_calls_of_a_kind(world):
    verdict = usage(world, *world.others, world.other_statement, customer=world.other)
    assert verdict.verdict == "established"
    assert says(verdict.established, "has 2 calls")


def test_november_of_the_other_customer_by_statement(world):
    period = {"from": NOVEMBER, "to": DECEMBER}
    assert usage(world, *world.others, world.other_statement, customer=world.other, **period).verdict == "established"


OPEN = [
    (lambda world: (world.calls, {}), "the last one of the period"),
    (lambda world: (world.calls[:-1], {"to": DECEMBER}), "the last one of the period"),
    (lambda world: ([*world.calls[1:], world.acme_statement], {}), "Calls before number 2"),
    (lambda world: ([*world.calls, world.acme_statement], {"to": DECEMBER + 100}), "the period ends later"),
    (lambda world: ([world.acme_statement], {}), "has made 10 calls, which the file does not have"),
    (lambda world: ([], {}), "how many calls the customer has made"),
]


@pytest.mark.parametrize(("chosen", "why"), OPEN)
def test_not_closed(world, chosen, why):
    indexes, period = chosen(world)
    for verdict in (usage(world, *indexes, **period), not_used(world, *indexes, **period)):
        assert verdict.verdict == "not-established"
        assert says(verdict.not_established, why) or says(verdict.established, "There are calls")


IMPOSSIBLE = [
    (lambda world: ([*world.calls[:2], *world.calls[3:], world.acme_statement], {}), "calls between them are missing"),
    (lambda world: ([*world.calls[:-1], world.acme_statement], {}), "calls are missing"),
    (lambda world: ([*world.calls, world.acme_statement], {"to": DECEMBER}), "of no use"),
    (lambda world: (world.calls, {"from": DECEMBER}), "outside of the period"),
    (lambda world: (world.calls, {"to": NOVEMBER}), "outside of the period"),
    (lambda world: ([*world.calls, world.other_statement], {}), "another customer"),
    (lambda world: ([*world.calls, *world.others], {}), "another customer"),
    (lambda world: ([*world.calls, world.acme_statement, world.other_statement], {}), "2 entries statement/1"),
    (lambda world: ([*world.calls, world.acme_statement, world.last_state], {}), "has no place"),
    (lambda world: ([*world.calls, world.acme_statement, world.of_kind("customer/1")[1]], {}), "another customer"),
]


@pytest.mark.parametrize(("chosen", "why"), IMPOSSIBLE)
def test_what_cannot_be(world, chosen, why):
    indexes, period = chosen(world)
    for verdict in (usage(world, *indexes, **period), not_used(world, *indexes, **period)):
        assert verdict.verdict == "invalid"
        assert why in verdict.reason


def test_not_used_between_two_calls(world):
    period = {"from": NOVEMBER + DAY, "to": DECEMBER}
    verdict = not_used(world, world.last_november, world.december, **period)
    assert verdict.verdict == "established"
    assert says(verdict.established, "has no call of the customer from 2 November 2025")
    assert says(verdict.established, "if each number was used once.")
    assert not says(verdict.established, "states the truth")
    assert usage(world, world.last_november, world.december, **period).verdict == "established"


def test_not_used_before_the_first_call_and_after_the_last(world):
    assert not_used(world, world.first, to=NOVEMBER).verdict == "established"
    verdict = not_used(world, world.december, world.acme_statement, **{"from": DECEMBER + 6})
    assert verdict.verdict == "established"
    premises = f"each number was used once and entry {world.acme_statement} states the truth"
    assert says(verdict.established, f"not even one that was denied, if {premises}.")
    assert says(verdict.not_established, f"That {premises}: whoever replays the whole log sees it")


def test_never_used(world, small_log):
    customer = small_log.open_customer(world.openings[world.acme].value)
    small_log.statement(customer)
    verdict = judged(small_log, small_log.usage(customer, small_log.of_kind("statement/1"), name="not-used"))
    assert verdict.verdict == "established"
    assert says(verdict.established, "from the beginning of the log to entry 4")


def test_used_after_all(world):
    verdict = not_used(world, world.calls[3])
    assert verdict.verdict == "not-established"
    assert says(verdict.established, "There are calls of the customer in the period: 1 in the file")


def test_numbers_begin_with_one(small_log):
    small_log.numbers["A" * 43] = -1
    small_log.call("A" * 43)
    verdict = judged(small_log, small_log.usage("A" * 43, small_log.of_kind("call/1")))
    assert "numbered from 1" in verdict.reason


def change(evidence, path, value):
    inner = evidence
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("calls",), 8),
        (("operations",), {}),
        (("operations", "IndexFaces", "units"), 2),
        (("operations", "IndexFaces", "units"), True),
        (("meters", "image-group-1"), 1),
        (("bills",), []),
        (("bills", 0, "totals", "USD"), 2800),
        (("bills", 0, "lines", 0, "amount"), 2),
        (("bills", 0, "month"), "2025-10"),
    ],
)
def test_other_figures(world, path, value):
    evidence = world.november()
    change(evidence["stated"], path, value)
    assert "figures stated" in judged(world, evidence).reason


def test_without_figures(world):
    evidence = world.november()
    del evidence["stated"]
    assert "figures stated" in judged(world, evidence).reason


def test_no_figures_for_not_used(world):
    evidence = world.usage(world.acme, [world.first], name="not-used", to=NOVEMBER)
    evidence["stated"] = {"calls": 0, "operations": {}, "meters": {}, "bills": []}
    assert "no use" in judged(world, evidence).reason


def test_storage_of_others_or_of_other_days(small_log):
    customer = "A" * 43
    small_log.statement(customer)
    for who, day in (
        ("B" * 42 + "A", "2025-10-31"),
        (customer, "2027-01-01"),
        (customer, "2025-10-31"),
        (customer, "2025-11-31"),
    ):
        small_log.add("storage/1", customer=who, day=day, faces=1, users=0)
    small_log.now = DECEMBER + DAY
    small_log.statement(customer)
    last = small_log.of_kind("statement/1")[-1]
    wrong = [
        verdict.reason
        for index in small_log.of_kind("storage/1")
        for period in ({"from": NOVEMBER, "to": NOVEMBER + 30 * DAY},)
        if (verdict := judged(small_log, small_log.usage(customer, [index, last], **period))).verdict == "invalid"
    ]
    assert len(wrong) == 4
    assert sum("outside of the period" in each for each in wrong) == 3
    assert "which no month has" in wrong[-1]


def test_prices_that_another_signed_or_changed_backwards(world, small_log):
    customer = "A" * 43
    note = world.entries[world.prices_entry]["note"]
    small_log.add("prices/1", note=note.replace("candid-prices", "candid-crises"))
    small_log.add("prices/1", time=NOVEMBER + 100, note=note)
    small_log.call(customer)
    small_log.statement(customer)
    calls = small_log.of_kind("call/1", "statement/1")
    evidence = small_log.usage(customer, calls)
    for prices, why in zip(small_log.of_kind("prices/1"), ("is false", "changed backwards"), strict=True):
        forged = small_log.evidence(evidence["claim"], [*calls, prices], stated=evidence["stated"])
        assert why in judged(small_log, forged).reason


# Who the customer is.


def test_without_an_identity(world):
    evidence = world.november()
    evidence["openings"] = evidence["keys"] = []
    verdict = judged(world, evidence)
    assert verdict.verdict == "established"
    assert says(verdict.not_established, "does not open the pseudonym")
    assert "Acme" not in canonical(verdict.as_json() | {"reason": ""}).decode()


def test_without_the_map_keys(world):
    evidence = world.november()
    evidence["keys"] = []
    assert says(judged(world, evidence).not_established, "does not prove its map keys")


def test_an_identity_of_somebody_else(world):
    evidence = world.november()
    evidence["openings"] = world.usage(world.other, [])["openings"]
    assert "for which the claim usage has no use" in judged(world, evidence).reason


def test_a_swapped_opening(world):
    evidence = world.november()
    evidence["openings"][0]["value"] = world.openings[world.other].value
    assert "does not fit its commitment" in judged(world, evidence).reason


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        (lambda keys: keys.pop(), "other labels"),
        (lambda keys: keys.reverse(), "other labels"),
        (lambda keys: keys.append(keys[0]), "other labels"),
        (lambda keys: change(keys, (0, "proof"), keys[1]["proof"]), "VRF proof is false"),
        (lambda keys: change(keys, (0, "proof"), keys[1]["proof"][:-3]), "form of one"),
    ],
)
def test_map_keys_of_something_else(world, attack, why):
    evidence = world.november()
    attack(evidence["keys"])
    assert why in judged(world, evidence).reason


def test_a_customer_left_out_of_the_map(world, small_log):
    """Its entry lists a label less than its identity has."""
    customer = small_log.open_customer(world.openings[world.acme].value)
    small_log.entries[2]["labels"].pop()
    small_log.statement(customer)
    evidence = small_log.usage(customer, small_log.of_kind("statement/1"))
    assert "left out of the map" in judged(small_log, evidence).reason


def test_two_identities_one_after_the_other(world, small_log):
    old = world.openings[world.acme].value
    new = {**old, "name": "Acme II"}
    customer = small_log.open_customer(old)
    small_log.open_customer(new, event="updated", customer=customer)
    small_log.add("customer/1", event="closed", customer=customer, category="private", status="closed")
    small_log.statement(customer)
    verdict = judged(small_log, small_log.usage(customer, small_log.of_kind("statement/1")))
    assert verdict.verdict == "established"
    assert says(verdict.established, "“Acme II” of “NL”")
    assert says(verdict.established, "(updated)")


def test_an_identity_that_is_none(small_log):
    from candid_verify.commitments import Opening

    opening = Opening(bytes(32), {"name": "A"})
    small_log.openings[opening.commitment] = opening
    customer = opening.commitment
    small_log.add(
        "customer/1", event="opened", customer=customer, identity=customer, category="other", status="cleared"
    )
    small_log.statement(customer)
    claim = {"name": "not-used", "customer": customer}
    evidence = small_log.evidence(claim, [2, 3], openings=[customer])
    assert "an identity lacks account" in judged(small_log, evidence).reason
