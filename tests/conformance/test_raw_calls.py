"""Replays the raw calls of cli-9.2.txt (section 5-api): mostly refusals, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import compare
import golden
import pytest
import rig

SHARED = golden.shared()
CALLS = golden.raw_calls(SHARED)
NOT_IMPLEMENTED = golden.listed("not_implemented_raw_calls.txt")
# The resolver's words depend on the machine; the rest of the sentence does not.
RESOLVER = "hostname lookup '"
COROSYNC = (SHARED / "golden" / "etc-pve" / "corosync.conf").read_text()

# what earlier calls of the record's session had left
HA = {
    "ha/resources.cfg": "vm: 110\n\n",
    "ha/rules.cfg": "node-affinity: pin\n\tnodes pve2:5,pve3:10\n\tresources vm:110\n\n",
    ".vmlist": '{"version": 1, "ids": {"110": {"node": "pve1", "type": "qemu", "version": 1}}}',
}

Answers = dict[int, tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """Every call, in the order of the record, as root with a ticket."""
    node = rig.Rig(tmp_path_factory.mktemp("raw"), SHARED / "api" / "pve-9.2.json", {"pve1": "127.0.0.1"})
    (node.pve / "corosync.conf").write_text(COROSYNC)
    (node.pve / "ha").mkdir()
    for name, text in HA.items():
        (node.pve / name).write_text(text)
    node.start()
    try:
        headers = node.root_ticket()
        found: Answers = {}
        for call in CALLS:
            status, _unused, body = node.call(call.method, call.path, call.params, headers=headers)
            found[call.number] = status, body
        yield found
    finally:
        node.stop()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_call(call: golden.RawCall, answers: Answers) -> None:
    status, body = answers[call.number]
    if call.name in NOT_IMPLEMENTED:
        assert (status, body) != (call.status, call.answer), f"{call.name} works now: take it off the list"
        pytest.skip("not implemented yet")
    assert status == call.status, body
    if str(call.answer.get("message", "")).startswith(RESOLVER):
        assert body["message"].startswith(call.answer["message"].rpartition(":")[0])
    elif status >= 400:
        assert body == call.answer
    else:
        assert compare.differences(call.answer, body) == []


def test_list_of_missing_calls_names_recorded_ones() -> None:
    assert {call.name for call in CALLS} >= NOT_IMPLEMENTED
