"""corosync.conf: form, links, checks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cfs_samples import THREE
from pvestandin import corosyncconf
from pvestandin.errors import Failure


def shared() -> Path | None:
    for directory in (
        os.environ.get("BAREMETAL_SHARED"),
        *(parent / "shared" for parent in Path(__file__).resolve().parents),
    ):
        if directory and (Path(directory) / "golden").is_dir():
            return Path(directory)
    return None


def test_what_is_read_is_written_alike() -> None:
    assert corosyncconf.dump(corosyncconf.parse(THREE)) == THREE


@pytest.mark.skipif(shared() is None, reason="../shared is not here")
def test_the_recorded_file_is_written_alike() -> None:
    text = (shared() / "golden/etc-pve/corosync.conf").read_text()
    assert corosyncconf.dump(corosyncconf.parse(text)) == text


def test_parse() -> None:
    conf = corosyncconf.parse("# comment\n" + THREE)
    assert conf["totem"]["interface"] == {"0": {"linknumber": "0"}, "1": {"linknumber": "1"}}
    assert conf["nodelist"]["node"]["pve2"]["ring1_addr"] == "10.99.0.12"
    assert corosyncconf.parse("") == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("totem {\n}\ntotem {\n}\n", "section 'totem' already exists and not marked as array!"),
        ("}", "parse error - uncexpected '}'"),
        ("totem {\n version 2\n}", "missing ':' after key 'version'"),
        ("version:", "parse error - no value for 'version'"),
    ],
)
def test_mistakes(text: str, sentence: str) -> None:
    with pytest.raises(Failure, match="^" + sentence.replace("{", r"\{") + "$"):
        corosyncconf.parse(text)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("10.0.0.1", {"address": "10.0.0.1"}),
        ("10.0.0.1,priority=5", {"address": "10.0.0.1", "priority": "5"}),
        ("priority=5,address=fd00::1", {"address": "fd00::1", "priority": "5"}),
    ],
)
def test_links(text: str, link: dict[str, str]) -> None:
    assert corosyncconf.parse_link(text) == link
    assert corosyncconf.parse_link(corosyncconf.print_link(link)) == link


def test_a_new_cluster() -> None:
    conf = corosyncconf.new(
        "pve1",
        "10.99.0.11",
        {
            "clustername": "prod",
            "link0": "10.98.0.11",
            "link1": "10.99.0.11,priority=9",
            "votes": 2,
            "token-coefficient": 125,
        },
    )
    assert conf["nodelist"]["node"]["pve1"] == {
        "name": "pve1",
        "nodeid": "1",
        "quorum_votes": "2",
        "ring0_addr": "10.98.0.11",
        "ring1_addr": "10.99.0.11",
    }
    assert conf["totem"]["interface"]["1"] == {"linknumber": "1", "knet_link_priority": "9"}
    assert conf["totem"]["token_coefficient"] == "125"
    assert corosyncconf.check(conf) == ([], [])


def test_a_new_cluster_without_links_uses_the_nodes_address() -> None:
    conf = corosyncconf.new("pve1", "10.99.0.11", {"clustername": "prod"})
    assert corosyncconf.node_links(conf["nodelist"]["node"]["pve1"]) == {0: "10.99.0.11"}
    assert "token_coefficient" not in conf["totem"]


def broken(change: Any) -> tuple[list[str], list[str]]:
    conf = corosyncconf.parse(THREE)
    change(conf)
    return corosyncconf.check(conf)


def test_checks() -> None:
    assert broken(lambda conf: None) == ([], [])
    errors, _unused = broken(lambda conf: conf["nodelist"]["node"]["pve2"].pop("ring1_addr"))
    assert errors == ["node 'pve2' is missing address forinterface number 1"]
    errors, _unused = broken(lambda conf: conf["totem"]["interface"].pop("1"))
    assert len(errors) == 2
    _unused, warnings = broken(lambda conf: conf["totem"].update(secauth="off"))
    assert warnings[0].startswith("warning: authentication/encryption is not explicitly enabled")
