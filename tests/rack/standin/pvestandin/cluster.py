"""Creating a cluster, adding and removing its nodes, and what every node keeps in /etc/pve for itself."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from . import certs, corosyncconf, paths, pvefiles, rootssh
from .cfs import ipc
from .cfs.view import observed
from .errors import ApiError, Failure
from .filelock import file_lock

API_VERSION = 1
OLDEST_API_VERSION = 0
AUTHKEY = "/etc/corosync/authkey"
LOCAL_CONF = "/etc/corosync/corosync.conf"
CLUSTER_CONF = "/etc/pve/corosync.conf"
_LOCK = "/var/lock/pvecm.lock"
_CRON = """# cluster wide vzdump cron schedule
# Atomatically generated file - do not edit

PATH="/usr/sbin:/usr/bin:/sbin:/bin"

"""


def say(text: str) -> None:
    print(text, flush=True)


def warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def writable() -> bool:
    """Whether the cluster file system has quorum: only the write bit of this link tells, root may always write."""
    try:
        return bool(paths.pve("local").lstat().st_mode & stat.S_IWUSR)
    except OSError:
        return False


def assert_quorum() -> None:
    if not writable():
        raise Failure("cluster not ready - no quorum?")


def local_address(name: str) -> str:
    """The node's address as the cluster knows it, else the first that its name has beside loopback."""
    known = pvefiles.node_address(name)
    if known:
        return known
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Failure(f"hostname lookup '{name}' failed - {error}") from None
    for entry in found:
        address = str(entry[4][0])
        if not address.startswith("127.") and address != "::1":
            return address
    raise Failure(f"address lookup for '{name}' did not find any IP address")


def run(*command: str) -> None:
    """A command whose output belongs into the log."""
    sys.stdout.flush()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Failure(f"command '{' '.join(command)}' failed: exit code {done.returncode}")


@contextlib.contextmanager
def local_lock() -> Iterator[None]:
    """One change to the cluster at a time on this node."""
    with file_lock(_LOCK):
        yield


@contextlib.contextmanager
def _change() -> Iterator[None]:
    """Locked here, and in the whole cluster if there is anybody else."""
    with local_lock():
        if len(pvefiles.members().get("nodelist", {})) > 1:
            with pvefiles.lock_file("corosync.conf"):
                yield
        else:
            yield


# -- the node's own files


def make_directories(name: str) -> None:
    if not paths.pve("local").is_symlink():
        raise Failure("pve configuration filesystem (pmxcfs) not mounted")
    for directory in (
        "priv",
        "nodes",
        f"nodes/{name}",
        f"nodes/{name}/lxc",
        f"nodes/{name}/qemu-server",
        f"nodes/{name}/openvz",
        f"nodes/{name}/priv",
    ):
        paths.pve(directory).mkdir(exist_ok=True)


def make_node_files(name: str, address: str, force: bool = False) -> None:
    make_directories(name)
    with contextlib.ExitStack() as stack:
        if not paths.pve("priv/authkey.key").exists():
            stack.enter_context(pvefiles.lock("authkey"))
            certs.make_auth_key()
    certs.make_all(name, address, force)


def make_local_files() -> None:
    """What lies outside /etc/pve."""
    rootssh.make_keys()
    _link_cron()


def _link_cron() -> None:
    link = paths.at("/etc/cron.d/vzdump")
    if not paths.pve("vzdump.cron").exists() or link.is_symlink():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.exists():
        link.rename(paths.at("/root/etc_cron_vzdump.org"))
    link.symlink_to(paths.pve("vzdump.cron"))


def update_certs(force: bool, silent: bool, unmerge: bool = False) -> None:
    """(Re)make the node's files in the cluster; needs quorum."""
    if not writable():
        if silent:
            return
        raise Failure("no quorum - unable to update files")
    tell = (lambda text: None) if silent else say
    rootssh.share_keys()
    name = paths.node_name()
    address = local_address(name)
    tell("(re)generate node files")
    if force:
        tell("generate new node certificate")
    make_node_files(name, address, force)
    tell("merge authorized SSH keys")
    rootssh.merge_keys()
    if unmerge:
        tell("unmerge SSH known hosts")
        rootssh.unmerge_known_hosts()
    rootssh.publish_host_key(name)
    if not paths.pve("vzdump.cron").exists():
        rootssh.replace(paths.pve("vzdump.cron"), _CRON.encode())
    _link_cron()


def make_observed_directories() -> None:
    """The directories of the files that services watch."""
    for file in sorted(observed(paths.release()[0])):
        directory = paths.pve(file).parent
        if not directory.exists():
            say(f"creating directory '/etc/pve/{os.path.dirname(file)}' for observed files")
            directory.mkdir(parents=True, exist_ok=True)


# -- create


def create_work(params: dict[str, Any]) -> None:
    """The task of `pvecm create`."""
    with local_lock():
        rootssh.permit_root()
        rootssh.make_keys()
        rootssh.share_keys()
        if not paths.at(AUTHKEY).exists():
            run("/usr/sbin/corosync-keygen", "-lk", str(paths.at(AUTHKEY)))
        name = paths.node_name()
        address = local_address(name)
        say(f"Writing corosync config to {CLUSTER_CONF}")
        corosyncconf.write(corosyncconf.new(name, address, params))
        rootssh.merge_keys()
        make_node_files(name, address)
        rootssh.merge_known_hosts(name, address)
        say("Restart corosync and cluster filesystem")
        run("systemctl", "restart", "corosync", "pve-cluster")


# -- nodes of a cluster


def add_node(params: dict[str, Any]) -> dict[str, Any]:
    """Write a new node into corosync.conf; what the new node needs then: its authkey, that file, and warnings."""
    if int(params.get("apiversion", 0)) < OLDEST_API_VERSION:
        raise Failure(
            f"error: unsupported old API version on joining node ({params['apiversion']}), cluster node has "
            f"{API_VERSION} and supports >= {OLDEST_API_VERSION}. Please upgrade node before joining"
        )
    assert_quorum()
    with _change():
        conf = corosyncconf.read()
        problems, warnings = corosyncconf.check(conf)
        if problems:
            numbered = {f"error{number}": text for number, text in enumerate(problems)}
            numbered.update({f"warning{number}": text for number, text in enumerate(warnings)})
            raise ApiError(500, "invalid corosync.conf", numbered)
        name = params["node"]
        nodes = conf["nodelist"]["node"]
        entry = _new_entry(name, nodes, params)
        make_directories(name)
        try:
            rootssh.merge_keys()
        except OSError as error:
            warn(str(error))
        nodes[name] = entry
        _log(f"adding node {name} to cluster")
        corosyncconf.write(conf)
    return {
        "corosync_authkey": paths.at(AUTHKEY).read_bytes().decode("latin-1"),
        "corosync_conf": paths.pve("corosync.conf").read_text(),
        "warnings": warnings,
    }


def _new_entry(name: str, nodes: dict[str, dict[str, str]], params: dict[str, Any]) -> dict[str, str]:
    links = corosyncconf.links_of(params)
    for link in links.values():
        for other, options in nodes.items():
            used = [
                number for number, address in corosyncconf.node_links(options).items() if address == link["address"]
            ]
            if other != name and used:
                raise Failure(
                    f"corosync: address '{link['address']}' already used on link ring{used[0]}_addr by node '{other}'"
                )
    addresses = {f"ring{number}_addr": address for number, address in _addresses(links, nodes, params).items()}
    return {"name": name, **_identity(name, nodes, params), **addresses}


def _addresses(
    links: dict[int, dict[str, str]], nodes: dict[str, dict[str, str]], params: dict[str, Any]
) -> dict[int, str]:
    """Link number → address: exactly the links that the cluster has."""
    existing = set(corosyncconf.node_links(next(iter(nodes.values()))))
    if not params.get("new_node_ip") and len(links) == 1 and int(params.get("apiversion", 0)) == 0:
        # How nodes older than join API version 1 say "my address, whichever link".
        params = {**params, "new_node_ip": next(iter(links.values()))["address"]}
        links = {}
    for number in range(corosyncconf.MAX_LINK + 1):
        if links and number in existing and number not in links:
            raise Failure(f"corosync: link {number} exists in cluster config but wasn't specified for new node")
        if links and number in links and number not in existing:
            raise Failure(f"corosync: link {number} specified for new node doesn't exist in cluster config")
    if links:
        return {number: link["address"] for number, link in links.items()}
    if not params.get("new_node_ip"):
        raise Failure("no links and no fallback ip (new_node_ip) given, cannot join cluster")
    if len(existing) != 1:
        raise Failure(
            "no links given but multiple links found on other nodes, fallback only supported on single-link clusters"
        )
    return {next(iter(existing)): params["new_node_ip"]}


def _identity(name: str, nodes: dict[str, dict[str, str]], params: dict[str, Any]) -> dict[str, str]:
    """nodeid and votes: those asked for, those of the node with this name, or the next free id and one vote."""
    known = nodes.get(name)
    nodeid, votes = params.get("nodeid"), params.get("votes")
    if known:
        nodeid = nodeid or known["nodeid"]
        votes = known.get("quorum_votes") if votes is None else votes
        same = (str(nodeid), str(votes)) == (known["nodeid"], str(known.get("quorum_votes")))
        if not (same and str(params.get("force", 0)) == "1"):
            raise Failure(f"can't add existing node '{name}'")
        say(f"forcing overwrite of configured node '{name}'")
    elif not nodeid:
        taken = {int(options["nodeid"]) for options in nodes.values()}
        nodeid = next(number for number in range(1, len(taken) + 2) if number not in taken)
    votes = 1 if votes is None else int(votes)
    return {"nodeid": str(nodeid), **({"quorum_votes": str(votes)} if votes else {})}


def delete_node(name: str) -> None:
    """Stop the node's corosync if it still runs, and take it out of corosync.conf. Its directory stays."""
    if name == paths.node_name():
        raise Failure("Cannot delete myself from cluster!")
    assert_quorum()
    with _change():
        conf = corosyncconf.read()
        nodes = conf.get("nodelist", {}).get("node", {})
        found = [
            node
            for node, options in nodes.items()
            if name in (node, options.get("ring0_addr"), options.get("ring1_addr"))
        ]
        if not found:
            raise Failure(f"Node/IP: {name} is not a known host of the cluster.")
        _log(f"deleting node {found[0]} from cluster")
        gone = nodes.pop(found[0])
        try:
            run("corosync-cfgtool", "-k", gone["nodeid"])
        except Failure as error:
            warn(error.message)
        corosyncconf.write(conf)


def join_info(name: str | None) -> dict[str, Any]:
    file = paths.pve("corosync.conf")
    text = file.read_text() if file.exists() else ""
    if not text:
        raise ApiError(424, "node is not in a cluster, no join info available!")
    preferred = name or paths.node_name()
    conf = corosyncconf.parse(text)
    nodes = conf["nodelist"]["node"]
    if preferred not in nodes:
        raise Failure(f"unknown node '{preferred}'")
    listed = [
        {**options, "pve_fp": certs.fingerprint(node), "pve_addr": local_address(node)}
        for node, options in nodes.items()
    ]
    return {
        "nodelist": listed,
        "preferred_node": preferred,
        "totem": conf["totem"],
        "config_digest": corosyncconf.digest(text),
    }


def _log(text: str) -> None:
    try:
        ipc.log("root@pam", 5, "cluster", text)
    except OSError as error:
        warn(f"writing cluster log failed: {error}")
