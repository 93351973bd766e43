"""Joining this node to a cluster: ask a member over its API, then take over the cluster's files."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import shutil
import socket
import sqlite3
import ssl
import subprocess
import time
from typing import Any
from urllib.parse import quote, urlencode

from . import cluster, corosyncconf, paths, pvefiles, rootssh
from .cfs import DATABASE
from .cluster import say, warn
from .errors import Failure

BACKUPS = "/var/lib/pve-cluster/backup"
KEPT_BACKUPS = 10


class Peer:
    """A member's API, recognised by the fingerprint of its certificate and nothing else."""

    def __init__(self, host: str, fingerprint: str) -> None:
        self.host, self.fingerprint = host, fingerprint.upper()
        self.headers: dict[str, str] = {}

    def login(self, password: str) -> None:
        """Raises Failure with the status line, as Proxmox's client does."""
        status, reason, answer = self._request("POST", "/access/ticket", {"username": "root@pam", "password": password})
        if status != 200:
            raise Failure(f"{status} {reason}")
        data = answer["data"]
        self.headers = {
            "Cookie": f"PVEAuthCookie={quote(data['ticket'], safe='')}",
            "CSRFPreventionToken": data["CSRFPreventionToken"],
        }

    def call(self, method: str, path: str, params: dict[str, Any] | None = None) -> Any:
        """The answer's data. Raises Refused."""
        status, reason, answer = self._request(method, path, params or {})
        if status != 200:
            raise Refused(status, reason, answer.get("errors") or {})
        return answer["data"]

    def _request(self, method: str, path: str, params: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        connection = connect(self.host)
        try:
            if fingerprint_of(connection) != self.fingerprint:
                raise Failure(f"fingerprint '{fingerprint_of(connection)}' not verified, abort!")
            body = urlencode(params) if method == "POST" else None
            headers = dict(self.headers)
            if body is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, f"/api2/json{path}", body, headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"500 {error}") from error
        finally:
            connection.close()
        kind = response.getheader("Content-Type") or ""
        return response.status, response.reason, json.loads(raw) if raw and "json" in kind else {}


class Refused(Failure):
    """The member's answer was an error."""

    def __init__(self, status: int, reason: str, errors: dict[str, str]) -> None:
        super().__init__(f"{status} {reason}")
        self.peer_status, self.reason, self.details = status, reason, errors


def connect(host: str) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, 8006, timeout=60, context=context)
    try:
        connection.connect()
    except OSError as error:
        raise Failure(f"500 Can't connect to {host}:8006 ({error.strerror or error})") from error
    return connection


def fingerprint_of(connection: http.client.HTTPSConnection) -> str:
    assert isinstance(connection.sock, ssl.SSLSocket)
    certificate = connection.sock.getpeercert(binary_form=True) or b""
    text = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(text[position : position + 2] for position in range(0, len(text), 2))


def assert_joinable(address: str, links: dict[int, dict[str, str]], force: bool) -> None:
    """Refuse a node that is in a cluster already, has guests, or lacks an address that it is to use."""
    problems = []
    if paths.at(cluster.AUTHKEY).exists():
        problems.append(f"authentication key '{cluster.AUTHKEY}' already exists")
    if paths.pve("corosync.conf").exists():
        problems.append(f"cluster config '{cluster.CLUSTER_CONF}' already exists")
    if json.loads(pvefiles.read(".vmlist") or "{}").get("ids"):
        problems.append("this host already contains virtual guests")
    if (
        subprocess.run(
            ["corosync-quorumtool", "-l"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    ):
        problems.append("corosync is already running, is this node already in a cluster?!")
    for label, wanted in [
        ("local node address", address),
        *((f"link{number}", link["address"]) for number, link in sorted(links.items())),
    ]:
        problems += _check_address(label, wanted)
    if not problems:
        return
    warn("detected the following error(s):\n" + "".join(f"* {problem}\n" for problem in problems).removesuffix("\n"))
    if not force:
        raise Failure("Check if node may join a cluster failed!")
    warn("\nWARNING : detected error but forced to continue!\n")


def _check_address(label: str, wanted: str) -> list[str]:
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(wanted, None, type=socket.SOCK_STREAM)}
    except OSError as error:
        return [f"{label}: cannot use '{wanted}': hostname lookup '{wanted}' failed - {error}\n"]
    listing = subprocess.run(["ip", "-j", "address"], stdout=subprocess.PIPE, check=True).stdout
    own = {entry["local"] for interface in json.loads(listing) for entry in interface.get("addr_info", [])}
    return [] if found & own else [f"{label}: cannot use IP '{wanted}', not found on local node!\n"]


def join_work(params: dict[str, Any]) -> None:
    """The task of `pvecm add` and of POST /cluster/config/join; fingerprint and password are in the parameters."""
    with cluster.local_lock():
        _join(params)


def _join(params: dict[str, Any]) -> None:
    name = paths.node_name()
    address = cluster.local_address(name)
    links = corosyncconf.links_of(params)
    assert_joinable(address, links, str(params.get("force", 0)) == "1")
    rootssh.permit_root()
    rootssh.make_keys()
    rootssh.share_keys()
    rootssh.unmerge_known_hosts()
    peer = Peer(params["hostname"], params["fingerprint"])
    say(f"Establishing API connection with host '{peer.host}'")
    peer.login(params["password"])
    say("Login succeeded.")
    say("check cluster join API version")
    try:
        version = int(peer.call("GET", "/cluster/config/apiversion"))
    except Refused:
        version = 0
    if version < cluster.OLDEST_API_VERSION:
        raise Failure(f"error: incompatible join API version on cluster ({version})")
    request = {key: params[key] for key in ("force", "nodeid", "votes") if params.get(key) is not None}
    request.update({f"link{number}": corosyncconf.print_link(link) for number, link in links.items()})
    if not links:
        request["new_node_ip" if version >= 1 else "link0"] = address
        say(f"No cluster network links passed explicitly, fallback to local node IP '{address}'")
    if version >= 1:
        request["apiversion"] = cluster.API_VERSION
    say("Request addition of this node")
    try:
        answer = peer.call("POST", f"/cluster/config/nodes/{name}", request)
    except Refused as error:
        warn(f"An error occurred on the cluster node: {error.reason}")
        for key, text in sorted(error.details.items()):
            warn(f"{'*' if key.startswith('warning') else '!'} {text}")
        raise Failure("Cluster join aborted!") from error
    for text in answer.get("warnings") or []:
        warn(f"cluster: {text}")
    say("Join request OK, finishing setup locally")
    finish(name, answer["corosync_conf"], answer["corosync_authkey"].encode("latin-1"))


def finish(name: str, conf: str, authkey: bytes) -> None:
    """The node's half. Cut off anywhere, it stays as it is then: nothing undoes or repeats it."""
    directory = paths.at(cluster.LOCAL_CONF).parent
    directory.mkdir(exist_ok=True)
    rootssh.replace(paths.at(cluster.AUTHKEY), authkey)
    rootssh.replace(paths.at(cluster.LOCAL_CONF), conf.encode())
    say("stopping pve-cluster service")
    cluster.run("systemctl", "stop", "pve-cluster")
    database = paths.at(DATABASE)
    try:
        _backup()
    except (OSError, sqlite3.Error) as error:
        warn(f"failed to create backup of pre-join config database - {error}")
        database.rename(database.with_name(f"{database.name}.{int(time.time())}.bak"))
    else:
        database.unlink(missing_ok=True)
    cluster.run("systemctl", "start", "corosync", "pve-cluster")
    waiting = False
    while not cluster.writable():
        if not waiting:
            print("waiting for quorum...", end="", flush=True)
            waiting = True
        time.sleep(1)
    if waiting:
        say("OK")
    cluster.make_local_files()
    cluster.update_certs(True, False)
    say("generated new node certificate, restart pveproxy and pvedaemon services")
    cluster.run("systemctl", "reload-or-restart", "pvedaemon", "pveproxy")
    say(f"successfully added node '{name}' to cluster.")


def _backup() -> None:
    """Dump the database that the join is about to remove."""
    directory = paths.at(BACKUPS)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    file = directory / f"config-{int(time.time())}.sql.gz"
    say(f"backup old database to '{BACKUPS}/{file.name}'")
    with sqlite3.connect(paths.at(DATABASE)) as database, gzip.open(file, "wt") as stream:
        for line in database.iterdump():
            stream.write(f"{line}\n")
    database.close()
    for old in sorted(directory.glob("config-*.sql.gz"), reverse=True)[KEPT_BACKUPS:]:
        say(f"delete old backup '{BACKUPS}/{old.name}'")
        old.unlink()


def join_by_ssh(params: dict[str, Any]) -> None:
    """The task of `pvecm add --use_ssh`: keys and host keys have to be in place."""
    with cluster.local_lock():
        name, host = paths.node_name(), params["hostname"]
        address = cluster.local_address(name)
        links = corosyncconf.links_of(params)
        assert_joinable(address, links, str(params.get("force", 0)) == "1")
        rootssh.permit_root()
        rootssh.make_keys()
        rootssh.share_keys()
        rootssh.unmerge_known_hosts()
        copied = subprocess.run(
            ["ssh-copy-id", "-i", "/root/.ssh/id_rsa", f"root@{host}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if copied.returncode:
            raise Failure(f"unable to copy ssh ID: exit code {copied.returncode}")
        command = ["ssh", host, "-o", "BatchMode=yes", "pvecm", "addnode", name, "--force", "1"]
        for key in ("nodeid", "votes"):
            if params.get(key) is not None:
                command += [f"--{key}", str(params[key])]
        for number, link in links.items():
            command += [f"--link{number}", corosyncconf.print_link(link)]
        if not links:
            command += ["--new_node_ip", address]
            say(f"No cluster network links passed explicitly, fallback to local node IP '{address}'")
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
            raise Failure(f"unable to add node: command failed ({' '.join(command)})")
        temporary = paths.at(f"/var/lib/pve-cluster/.pvecm_add.tmp.{int(time.time())}")
        temporary.mkdir(mode=0o700)
        try:
            say("copy corosync auth key")
            if subprocess.run(
                [
                    "rsync",
                    "--rsh=ssh -l root -o BatchMode=yes",
                    "-lpgoq",
                    f"[{host}]:{cluster.AUTHKEY}",
                    f"[{host}]:{cluster.CLUSTER_CONF}",
                    str(temporary),
                ],
                check=False,
            ).returncode:
                raise Failure(f"can't rsync data from host '{host}'")
            finish(name, (temporary / "corosync.conf").read_text(), (temporary / "authkey").read_bytes())
        finally:
            shutil.rmtree(temporary)
