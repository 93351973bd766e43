"""/cluster/mapping: three files, and what Proxmox refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin import dispatch, hardware, registry
from pvestandin.dispatch import Answer, Call

GPU = "node=pve1,path=0000:01:00.0,id=10de:1eb8"
STICK = "node=pve1,id=0529:0001"


@pytest.fixture(autouse=True)
def world(node: Any) -> Any:
    registry.load()
    (node.root / "srv").mkdir()
    node.write(
        "user.cfg", "user:root@pam:1:0::::::\nuser:a@pve:1:0::::::\nacl:1:/mapping/pci/gpu:a@pve:PVEMappingUser:\n"
    )
    return node


def call(method: str, path: str, user: str = "root@pam", **params: Any) -> Answer:
    given = {name.replace("_", "-"): value for name, value in params.items()}
    return dispatch.answer(Call(method, f"/cluster/mapping{path}", given, user))


def good(method: str, path: str, **params: Any) -> Any:
    answer = call(method, path, **params)
    assert answer.status == 200, answer
    return answer.data


def test_the_kinds() -> None:
    assert good("GET", "") == [{"name": "dir"}, {"name": "pci"}, {"name": "usb"}]


def test_the_files_are_as_proxmox_writes_them(world: Any) -> None:
    good("POST", "/pci", id="gpu", map=[GPU, GPU.replace("pve1", "pve2")], description="Tesla", mdev="1")
    good("POST", "/pci", id="nic", map=GPU)
    good("POST", "/dir", id="share", map="node=pve1,path=/srv")
    good("POST", "/usb", id="key", map=[STICK])
    mapping = world.pve / "mapping"
    assert (mapping / "pci.cfg").read_text() == (
        f"gpu\n\tmap {GPU}\n\tmap {GPU.replace('pve1', 'pve2')}\n\tdescription Tesla\n\tmdev 1\n\nnic\n\tmap {GPU}\n\n"
    )
    assert (mapping / "directory.cfg").read_text() == "share\n\tmap node=pve1,path=/srv\n\n"
    assert (mapping / "usb.cfg").read_text() == f"key\n\tmap {STICK}\n\n"
    rows = {row["id"]: row for row in good("GET", "/pci")}
    assert rows["gpu"].pop("digest") == rows["nic"].pop("digest")
    assert rows["nic"] == {"id": "nic", "type": "pci", "map": [GPU]}
    assert good("GET", "/pci/gpu")["mdev"] == 1


def test_a_change_needs_the_map_whatever_is_changed(world: Any) -> None:
    good("POST", "/pci", id="gpu", map=[GPU], description="Tesla")
    digest = good("GET", "/pci/gpu")["digest"]
    refused = call("PUT", "/pci/gpu", mdev="1")
    assert (refused.status, refused.message) == (
        500,
        "update hardware mapping failed: missing value for required option 'map'",
    )
    good("PUT", "/pci/gpu", mdev="1", map=[GPU], delete="description", digest=digest)
    assert (world.pve / "mapping/pci.cfg").read_text() == f"gpu\n\tmap {GPU}\n\tmdev 1\n\n"
    assert "detected modified configuration" in str(call("PUT", "/pci/gpu", map=[GPU], digest=digest).message)
    assert "unable to delete required option 'map'" in str(call("PUT", "/pci/gpu", map=[GPU], delete="map").message)
    good("POST", "/usb", id="key", map=[STICK])
    assert call("PUT", "/usb/key", description="x").status == 400
    assert "does not exist" in str(call("PUT", "/usb/other", map=[STICK]).message)


def test_what_is_not_there_can_be_deleted() -> None:
    assert call("POST", "/usb", id="key", map=[STICK]).status == 200
    assert call("POST", "/usb", id="key", map=[STICK]).message == (
        "create hardware mapping failed: usb ID 'key' already defined"
    )
    good("DELETE", "/usb/key")
    good("DELETE", "/usb/key")
    assert good("GET", "/usb") == []
    assert call("GET", "/usb/key").message == "mapping 'key' not found"


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("pci", "node=pve1,path=01:00.0,id=10de:1eb8"),
        ("pci", "node=pve1,id=10de:1eb8"),
        ("pci", f"{GPU},colour=red"),
        ("usb", "node=pve1,id=529:1"),
        ("usb", f"{STICK},path=1-a"),
        ("dir", "node=pve1,path=srv"),
        ("dir", "node=a b,path=/srv"),
    ],
)
def test_entries_are_checked(kind: str, entry: str) -> None:
    answer = call("POST", f"/{kind}", id="thing", map=[entry])
    assert answer.status == 400
    assert list(answer.errors or {}) == ["map[0]"]


def test_directories_are_looked_at_on_this_node(world: Any) -> None:
    assert call("POST", "/dir", id="media", map=["node=pve1,path=/none"]).message == "Path /none does not exist"
    (world.root / "file").write_text("")
    message = "Path /file exists, but is not a directory"
    assert call("POST", "/dir", id="media", map=["node=pve1,path=/file"]).message == message
    twice = ["node=pve2,path=/a", "node=pve2,path=/b"]
    assert call("POST", "/dir", id="media", map=twice).message == "Node 'pve2' is specified 2 times."
    assert call("POST", "/dir", id="media", map=["node=pve2,path=/none"]).status == 200


def test_who_sees_and_changes_what() -> None:
    good("POST", "/pci", id="gpu", map=[GPU])
    good("POST", "/pci", id="nic", map=[GPU])
    assert [row["id"] for row in call("GET", "/pci", "a@pve").data] == ["gpu"]
    assert call("GET", "/pci/gpu", "a@pve").status == 200
    assert call("GET", "/pci/nic", "a@pve").status == 403
    assert call("PUT", "/pci/gpu", "a@pve", map=[GPU]).status == 403
    assert call("DELETE", "/pci/gpu", "a@pve").status == 403


DEVICE = {
    "id": "0000:01:00.0",
    "vendor": "0x10de",
    "device": "0x1eb8",
    "subsystem_vendor": "0x10de",
    "subsystem_device": "0x12a2",
    "iommugroup": 12,
}
WHOLE = f"{GPU},iommugroup=12,subsystem-id=10de:12a2"


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (WHOLE, None),
        (WHOLE.replace("00.0,id", "00,id"), None),
        (GPU, "missing expected property 'iommugroup' for device '0000:01:00.0'"),
        (WHOLE.replace("1eb8", "1eb9"), "'id' does not match for 'gpu' (10de:1eb8 != 10de:1eb9)"),
        (WHOLE.replace("01:00.0", "02:00.0"), "pci device '0000:02:00.0' not found"),
        (WHOLE.replace("pve1", "pve2"), "No mapping for node pve1."),
    ],
)
def test_devices_are_looked_at_when_asked(monkeypatch: pytest.MonkeyPatch, entry: str, complaint: str | None) -> None:
    monkeypatch.setattr(hardware, "pci", lambda _hidden: [DEVICE])
    good("POST", "/pci", id="gpu", map=[entry])
    found = good("GET", "/pci", check_node="pve1")[0]["checks"]
    assert [one["message"].removeprefix("Invalid configuration: ").strip() for one in found] == (
        [complaint] if complaint else []
    )
    assert "checks" not in good("GET", "/pci")[0]


def test_sticks_are_looked_at_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "usb", lambda: [{"vendid": "0529", "prodid": "0001", "busnum": 1, "usbpath": "2.3"}])
    good("POST", "/usb", id="key", map=[STICK, f"{STICK},path=1-2.3", f"{STICK},path=1-4", "node=pve1,id=0529:0002"])
    found = good("GET", "/usb", check_node="pve1")[0]["errors"]
    assert [one["message"].strip() for one in found] == [
        "Invalid configuration: usb device '1-4' not found",
        "Invalid configuration: usb device '0529:0002' not found",
    ]
