"""/etc/pve/ceph.conf: what is read, what is written, and the addresses in mon_host."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin.ceph import conf

WRITTEN = """[global]
\tfsid = 4f2973b8-310f-4d15-a7c9-ebd42ddb00b2
\tmon_host = 10.98.0.11 10.98.0.12

[client]
\tkeyring = /etc/pve/priv/$cluster.$name.keyring

[client.crash]
\tkeyring = /etc/pve/ceph/$cluster.$name.keyring

[mds]
\tkeyring = /var/lib/ceph/mds/ceph-$id/keyring

[mds.pve1]
\thost = pve1

[mon.pve1]
\tpublic_addr = 10.98.0.11

"""


def test_what_is_written_can_be_read(node: Any) -> None:
    node.write("ceph.conf", WRITTEN)
    read = conf.read()
    assert read["mds.pve1"] == {"host": "pve1"}
    conf.write(dict(reversed(read.items())))
    assert (node.pve / "ceph.conf").read_text() == WRITTEN


def test_sections_come_in_ceph_s_order() -> None:
    names = ("osd.1", "mgr", "zebra", "mon.b", "mon.a", "osd", "client.x", "global", "mds.1", "client", "mon")
    text = conf.render({name: {} for name in names})
    order = "global client client.x mds.1 mon mon.a mon.b osd osd.1 mgr zebra"
    assert [line.strip("[]") for line in text.split()] == order.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[global]\nmon host = a b", {"mon_host": "a b"}),
        ("[global]\n  mon   host=a ; comment", {"mon_host": "a"}),
        ("# comment\n[global]\nkey = 'quoted text'", {"key": "quoted text"}),
        ('[global]\nkey = "quoted"  # comment', {"key": "quoted"}),
        ("[global]\nkey = one \\\n  two", {"key": "one two"}),
        ("[global]\nkey = with \\; in it", {"key": "with ; in it"}),
        ("[global]\na = 1\n[osd]\n[global]\nb = 2", {"a": "1", "b": "2"}),
        ("[global]\nkey = a = b", {"key": "a = b"}),
        ('[global]\na = "half\nb = 2', {"b": "2"}),
        ("[global]\na = 1\nmon_host = [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]\nb = 2", {"a": "1"}),
    ],
)
def test_forms_of_a_value(text: str, expected: dict[str, str]) -> None:
    assert conf.parse(text)["global"] == expected


@pytest.mark.parametrize("text", ["key = 1\n[global]\n", "[global]\nno value\n"])
def test_what_cannot_be_understood_is_skipped_with_a_warning(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert conf.parse(text) == {"global": {}}
    assert "skip" in capsys.readouterr().err


def test_semicolons_are_written_with_a_backslash() -> None:
    assert conf.render({"global": {"key": "a;b#c"}}) == "[global]\n\tkey = a\\;b\\#c\n\n"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.0.0.1 10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("10.0.0.1:6789/0", ["10.0.0.1"]),
        ("[fd00::1]:6789, fd00::2", ["fd00::1", "fd00::2"]),
        ("v2:10.0.0.1:3300/0", ["10.0.0.1"]),
        ("mon.example.test 10.0.0.3", ["10.0.0.3"]),
        ("", []),
    ],
)
def test_addresses(host: str, expected: list[str]) -> None:
    assert conf.addresses(host) == expected


@pytest.mark.parametrize(
    ("host", "address", "left"),
    [
        ("10.0.0.1 10.0.0.101 110.0.0.1", "10.0.0.1", "10.0.0.101 110.0.0.1"),
        ("10.0.0.2,10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("10.0.0.1:6789, 10.0.0.2", "10.0.0.1", "10.0.0.2"),
        ("[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] 10.0.0.2", "10.0.0.1", "10.0.0.2"),
        ("fd00::1 fd00::11", "fd00::1", "fd00::11"),
        ("[fd00::1] [fd00::2]", "fd00::2", "[fd00::1]"),
        ("10.0.0.1", "10.0.0.1", ""),
    ],
)
def test_an_address_is_taken_out(host: str, address: str, left: str) -> None:
    assert conf.without_address(host, address) == left


def test_monitors_of_the_file_by_any_form() -> None:
    parsed = conf.parse("[global]\nmon_host = 10.0.0.2 10.0.0.1\n[mon.x]\nmon_addr = 10.0.0.3\n")
    assert conf.monitor_addresses(parsed) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
