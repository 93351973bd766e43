from __future__ import annotations

from pathlib import Path

import pytest
from rack.errors import RackError
from rack.spec import Disk, Spec, load_spec, parse_spec

SPECS = Path(__file__).resolve().parents[2] / "rack" / "specs"


def parse(text: dict, **options):
    return parse_spec({"name": "lab", **text}, "lab.yml", **options)


def test_the_example_is_what_the_documentation_says():
    spec = load_spec(SPECS / "three.yml")
    assert [node.name for node in spec.nodes] == ["pve1", "pve2", "pve3"]
    assert spec.node("pve2").addresses == {"management": "10.99.0.12", "cluster": "10.98.0.12", "storage": "10.97.0.12"}
    assert spec.node("pve2").interfaces()[1] == ("ens19", "cluster", "10.98.0.12")
    assert spec.node("pve3").disks == [Disk(10 << 30)] * 2
    assert (spec.release, spec.management.gateway) == ("trixie", "10.99.0.1")


def test_options_override_the_file():
    spec = load_spec(SPECS / "three.yml", name="other", release="bookworm", nodes=4)
    assert (spec.name, spec.release, spec.nodes[3].address) == ("other", "bookworm", "10.99.0.14")


def test_more_nodes_leave_the_first_ones_as_they_are():
    three, four = load_spec(SPECS / "three.yml"), load_spec(SPECS / "three.yml", nodes=4)
    assert four.nodes[:3] == three.nodes


def test_fewer_nodes_than_listed():
    assert [node.name for node in parse({"nodes": [{"name": "a"}, {"name": "b"}]}, nodes=1).nodes] == ["a"]


def test_a_count_is_one_of_cluster_nodes():
    def names(count: int) -> list[str]:
        return [node.name for node in load_spec(SPECS / "demo.yml", nodes=count).nodes]

    assert names(2) == ["pve1", "pve2", "pbs1"]
    assert names(3) == ["pve1", "pve2", "pve3", "pbs1"]
    assert names(4) == ["pve1", "pve2", "pve3", "pbs1", "pve4"]


def test_a_node_may_say_everything_itself():
    spec = parse(
        {
            "networks": {"lan": {"cidr": "192.168.7.0/24"}, "san": {"cidr": "192.168.8.0/24"}},
            "defaults": {"disks": [{"size": "1G"}]},
            "nodes": [
                {
                    "name": "a",
                    "nics": {"lan": "192.168.7.5"},
                    "disks": [{"size": "512M"}],
                    "cpu_flags": ["vmx", "-svm"],
                },
                {"name": "b", "nics": {"san": "192.168.8.9", "lan": "192.168.7.9"}, "disks": []},
            ],
        }
    )
    assert spec.node("a").interfaces() == [("ens18", "lan", "192.168.7.5")]
    assert (spec.node("a").disks, spec.node("a").cpu_flags) == ([Disk(512 << 20)], ["vmx", "-svm"])
    # The order of the networks, not of the node's own mapping, decides which slot a NIC is in.
    assert [nic[1] for nic in spec.node("b").interfaces()] == ["lan", "san"]
    assert spec.node("b").disks == []


def test_survives_the_state_file():
    spec = parse({"nodes": [{"name": "a", "cpu_flags": ["vmx"], "disks": [{"size": "1G"}]}]})
    assert Spec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"nods": 3}, "unknown key 'nods'; known are backend, defaults, name, networks, nodes, release"),
        ({"nodes": [{"name": "a", "disk": []}]}, "nodes[0]: unknown key 'disk'"),
        ({"nodes": [{"name": "a", "disks": [{"sise": "1G"}]}]}, "node a: disks[0]: unknown key 'sise'"),
        ({"nodes": [{"name": "a", "disks": [{"size": "big"}]}]}, "'big' is no size; write for example 512M or 4G"),
        ({"nodes": [{"name": "a", "disks": [{"size": 0}]}]}, "0 is no size"),
        ({"nodes": [{}]}, "nodes[0]: name is missing"),
        ({"nodes": [{"name": "Not_A_Host"}]}, "'Not_A_Host' is no host name part"),
        ({"nodes": [{"name": "a"}, {"name": "a"}]}, "node a is listed twice"),
        ({"nodes": []}, "nodes: the list is empty"),
        ({"nodes": 0}, "0 machines; 1 to 32 are possible"),
        ({"nodes": True}, "True machines"),
        ({"nodes": "three"}, "nodes must be a number or a list, found 'three'"),
        ({"nodes": [{"name": "a", "cpu_flags": ["v m x"]}]}, "'v m x' is no flag"),
        ({"nodes": [{"name": "a", "cpu_flags": "vmx"}]}, "cpu_flags must be a list, found 'vmx'"),
        ({"release": "sarge"}, "'sarge' is not known; known are trixie, bookworm"),
        ({"networks": {"lan": {"cidr": "10.0.0.0/33"}}}, "is no IPv4 network"),
        ({"networks": {"lan": {"cidr": "10.0.0.4/24"}}}, "is no IPv4 network"),
        ({"networks": {"lan": {"cidr": "10.0.0.0/30"}}}, "too small"),
        ({"networks": {"lan": {}}}, "cidr None is no IPv4 network"),
        ({"networks": {}}, "at least one is needed"),
        (
            {"networks": {"lan": {"cidr": "10.0.0.0/16"}, "san": {"cidr": "10.0.9.0/24"}}},
            "network san: 10.0.9.0/24 overlaps network lan (10.0.0.0/16)",
        ),
        ({"nodes": [{"name": "a", "nics": {"wan": "10.99.0.9"}}]}, "node a: nics: unknown key 'wan'"),
        ({"nodes": [{"name": "a", "nics": {"cluster": "10.98.0.9"}}]}, "lacks 'management'"),
        (
            {"nodes": [{"name": "a", "nics": {"management": "10.98.0.9"}}]},
            "node a: 10.98.0.9 is outside network management (10.99.0.0/24)",
        ),
        ({"nodes": [{"name": "a", "nics": {"management": "10.99.0.1"}}]}, "10.99.0.1 is the rack's own address"),
        ({"nodes": [{"name": "a", "nics": {"management": "10.99.0.255"}}]}, "network or broadcast address"),
        ({"nodes": [{"name": "a", "nics": {"management": "ten"}}]}, "'ten' is no IPv4 address"),
        (
            {
                "nodes": [
                    {"name": "a", "nics": {"management": "10.99.0.9"}},
                    {"name": "b", "nics": {"management": "10.99.0.9"}},
                ]
            },
            "address 10.99.0.9 is given to both a and b",
        ),
    ],
)
def test_refusals_name_the_place_and_the_fault(text, message):
    with pytest.raises(RackError) as caught:
        parse(text)
    assert str(caught.value).startswith("lab.yml: ")
    assert message in str(caught.value)


def test_files_that_are_no_spec(tmp_path):
    with pytest.raises(RackError, match="cannot be read: No such file"):
        load_spec(tmp_path / "none.yml")
    (tmp_path / "bad.yml").write_text("a: [1")
    with pytest.raises(RackError, match="not valid YAML"):
        load_spec(tmp_path / "bad.yml")
    (tmp_path / "list.yml").write_text("- 1")
    with pytest.raises(RackError, match="must be a mapping"):
        load_spec(tmp_path / "list.yml")


def test_a_file_without_a_name_gives_its_own(tmp_path):
    (tmp_path / "small.yml").write_text("nodes: 1\n")
    assert load_spec(tmp_path / "small.yml").name == "small"


def test_an_unknown_node_is_answered_with_the_known_ones():
    with pytest.raises(RackError, match="no node 'pve9'; it has pve1, pve2"):
        parse({"nodes": 2}).node("pve9")


def test_guests_of_the_first_machine(tmp_path):
    spec = load_spec(SPECS / "three.yml", nodes=4)
    assert [[guest.vmid for guest in node.guests] for node in spec.nodes] == [[110, 111], [], [], []]
    assert Spec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("guests", "message"),
    [
        ([{"vmid": 99, "name": "x"}], r"guests\[0\].vmid: 99 is no whole number from 100"),
        ([{"vmid": 100, "name": "x", "type": "kvm"}], r"guests\[0\].type: 'kvm' is not known"),
        ([{"vmid": 100, "name": "x"}, {"vmid": 100, "name": "y"}], "guest 100 is given to both a and a"),
        ({"vmid": 100}, "guests must be a list"),
    ],
)
def test_guests_that_cannot_be(guests, message):
    with pytest.raises(RackError, match=message):
        parse({"nodes": [{"name": "a", "guests": guests}]})
