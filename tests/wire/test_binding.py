from __future__ import annotations

from candid.operations.notes import Notes
from candid.operations.registry import Caller, Meter, Operation, offered
from candid.wire.binding import bind


def test_a_handler_is_told_the_account_the_region_and_the_rooms():
    def function(caller, request, rooms):
        return {"caller": caller, "request": request, "rooms": rooms}

    rooms, notes = object(), Notes()
    handlers = bind({"A": Operation("A", Meter.FREE, function)}, rooms=rooms, region="eu-west-1")
    assert handlers["A"]("123456789012", {"a": 1}, notes) == {
        "caller": Caller("123456789012", "eu-west-1", notes),
        "request": {"a": 1},
        "rooms": rooms,
    }


def test_each_handler_is_its_own_operation():
    operations = {name: Operation(name, Meter.FREE, lambda *_, name=name: {"name": name}) for name in "ABC"}
    handlers = bind(operations, rooms=None, region="eu-west-1")
    assert [handlers[name]("0", {}, Notes())["name"] for name in "ABC"] == ["A", "B", "C"]


def test_every_offered_operation_is_one_of_the_model(wire):
    assert set(offered()) <= set(wire.MODEL.operations)
    assert set(bind(offered(), rooms=None, region="eu-west-1")) == set(offered())
