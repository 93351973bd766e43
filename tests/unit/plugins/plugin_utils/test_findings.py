# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest, sentences, show


def test_what_is_the_same_is_told_once():
    findings = [Finding(host, "v", "1", "2") for host in ("a", "b", "a")] + [Finding("a", "v", "1", "3", "Do it")]
    assert sentences(findings, ["a", "b", "c"], "pve") == [
        "a, b: v: expected 1, found 2",
        "a: v: expected 1, found 3. Do it",
    ]


def test_many_hosts_are_counted_only_if_it_is_all_of_them():
    names = [f"n{number}" for number in range(9)]
    assert sentences([Finding(name, "v", "1", "2") for name in names], names, "pve") == [
        "all 9 hosts of pve: v: expected 1, found 2"
    ]
    assert sentences([Finding(name, "v", "1", "2") for name in names], [*names, "n9"], "pve")[0].startswith("n0, n1, ")


def test_a_sentence_can_be_read_again():
    finding = Finding("h", "v.x", "a known name (nearest: y)", "'a, b'")
    assert Finding.parsed(f"h: {finding.sentence}") == finding


def test_values_in_a_sentence():
    assert [show(value) for value in (None, True, 1, "a\nb", ["x"], {"x": 1})] == [
        "nothing",
        "true",
        "1",
        "'a b'",
        "a list",
        "key/value pairs",
    ]
    assert len(show("x" * 1000)) < 100
    assert show(None, secret=True) == "nothing"


def test_the_nearest_name():
    assert nearest("pve_storge_config", ["pve_storage_config", "pve_host_name"]) == "pve_storage_config"
    assert nearest("frobnicate", ["pve_storage_config"]) is None
