"""pvecm: the cluster manager's command. create and add end with 0 also when their task failed, as the real one does."""

from __future__ import annotations

import getpass
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from .. import cluster, corosyncconf, join, paths, registry, schema, tasks
from ..api import cluster_config
from ..errors import ApiError, Failure, bad_parameters

UPDATE_SECONDS = 80
# imported because it declares the endpoints that the commands call
ENDPOINTS = cluster_config
USAGE = {
    "qdevice remove": "",
    "qdevice setup": "<address> [OPTIONS]",
    "add": "<hostname> [OPTIONS]",
    "addnode": "<node> [OPTIONS]",
    "apiver": "",
    "create": "<clustername> [OPTIONS]",
    "delnode": "<node>",
    "expected": "<expected>",
    "keygen": "<filename>",
    "mtunnel": "[<extra-args>] [OPTIONS]",
    "nodes": "",
    "status": "",
    "updatecerts": " [OPTIONS]",
    "help": "[<extra-args>] [OPTIONS]",
}
_GROUPS = (
    ("qdevice remove", "qdevice setup"),
    ("addnode", "apiver", "create", "delnode"),
    ("add", "expected", "keygen", "mtunnel", "nodes", "status", "updatecerts"),
    ("help",),
)
_LINKS = {f"link{number}" for number in range(corosyncconf.MAX_LINK + 1)}
_ADD = {"nodeid", "votes", "force", "fingerprint", "use_ssh"} | _LINKS
_BOOLEANS = {"force", "silent", "use_ssh", "unmerge-known-hosts"}


def usage() -> str:
    blocks = ["".join(f"       pvecm {name} {USAGE[name]}\n" for name in group) for group in _GROUPS]
    return "USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]\n\n" + "\n".join(blocks)


def parse(arguments: list[str], positional: list[str], options: set[str]) -> dict[str, Any]:
    """`--key value`, `-key value`, `--key=value`; a boolean alone is true. Raises 400 as Proxmox does."""
    params: dict[str, Any] = {}
    rest: list[str] = []
    queue = list(arguments)
    while queue:
        word = queue.pop(0)
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        key, equals, value = word.lstrip("-").partition("=")
        if key not in options:
            print(f"Unknown option: {key}", file=sys.stderr)
            raise ApiError(400, "unable to parse option")
        if not equals:
            if key in _BOOLEANS:
                value = queue.pop(0) if queue and queue[0].lower() in ("0", "1", "yes", "no", "true", "false") else "1"
            elif queue:
                value = queue.pop(0)
            else:
                print(f"Option {key} requires an argument", file=sys.stderr)
                raise ApiError(400, "unable to parse option")
        params[key] = (
            {"yes": "1", "true": "1", "on": "1", "no": "0", "false": "0", "off": "0"}.get(value.lower(), value)
            if key in _BOOLEANS
            else value
        )
    if len(rest) > len(positional):
        raise ApiError(400, "too many arguments")
    if len(rest) < len(positional):
        raise ApiError(400, "not enough arguments")
    return {**params, **dict(zip(positional, rest, strict=True))}


def call(method: str, path: str, params: dict[str, Any]) -> Any:
    """The API's own handler, run here as root@pam."""
    found, inside = registry.find(method, path)
    params = schema.validate(found, {**params, **inside})
    return found.handler(_context(), params)


def _context() -> registry.Context:
    return registry.Context(user="root@pam", node=paths.node_name(), cli=True)


def create(arguments: list[str]) -> None:
    call(
        "POST", "/cluster/config", parse(arguments, ["clustername"], {"nodeid", "votes", "token-coefficient"} | _LINKS)
    )


def add(arguments: list[str]) -> None:
    params = parse(arguments, ["hostname"], _ADD)
    if str(Path.cwd()).startswith("/etc/pve"):
        raise Failure("Navigate out of /etc/pve before running 'pvecm add', for example by running 'cd'.")
    by_ssh = params.pop("use_ssh", "0") == "1"
    if "force" in params:
        params["force"] = int(params["force"] == "1")
    # Checked with the call's own schema, which wants what the command asks for later.
    found, _unused = registry.find("POST", "/cluster/config/join")
    placeholder = {"password": "x", "fingerprint": ":".join(["00"] * 32)}
    schema.validate(found, {**placeholder, **params})
    if by_ssh:
        tasks.start(_context(), "clusterjoin", "", join.join_by_ssh, params=params)
        return
    params["password"] = _password(params["hostname"])
    if not params.get("fingerprint"):
        params["fingerprint"] = _ask_fingerprint(params["hostname"])
    tasks.start(_context(), "clusterjoin", "", join.join_work, params=params)


def _password(host: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Please enter superuser (root) password for '{host}': ")
    line = sys.stdin.readline()
    if not line:
        raise Failure("EOF while reading password")
    return line.rstrip("\n")


def _ask_fingerprint(host: str) -> str:
    connection = join.connect(host)
    shown = join.fingerprint_of(connection)
    connection.close()
    print(
        f"The authenticity of host '{host}' can't be established.\nX509 SHA256 key fingerprint is {shown}.\n"
        "Are you sure you want to continue connecting (yes/no)? ",
        end="",
        flush=True,
    )
    if sys.stdin.readline().strip().lower() != "yes":
        raise Failure("Fingerprint not verified, abort!")
    return shown


def addnode(arguments: list[str]) -> None:
    params = parse(arguments, ["node"], {"nodeid", "votes", "force", "new_node_ip", "apiversion"} | _LINKS)
    call("POST", f"/cluster/config/nodes/{params['node']}", params)


def delnode(arguments: list[str]) -> None:
    params = parse(arguments, ["node"], set())
    call("DELETE", f"/cluster/config/nodes/{params['node']}", params)


def apiver(arguments: list[str]) -> None:
    parse(arguments, [], set())
    print(cluster.API_VERSION)


def _assert_cluster() -> None:
    if not paths.pve("corosync.conf").exists():
        raise Failure(
            f"Error: Corosync config '{cluster.CLUSTER_CONF}' does not exist - is this node part of a cluster?"
        )


def status(arguments: list[str]) -> None:
    parse(arguments, [], set())
    _assert_cluster()
    totem = corosyncconf.read().get("totem", {})
    print("Cluster information\n-------------------")
    for label, key, default in (
        ("Name", "cluster_name", "UNKOWN?"),
        ("Config Version", "config_version", "-1"),
        ("Transport", "transport", "knet"),
        ("Secure auth", "secauth", "off"),
    ):
        print(f"{label + ':':<17} {totem.get(key, default)}")
    print(flush=True)
    os.execvp("corosync-quorumtool", ["corosync-quorumtool", "-siH"])


def nodes(arguments: list[str]) -> None:
    parse(arguments, [], set())
    _assert_cluster()
    os.execvp("corosync-quorumtool", ["corosync-quorumtool", "-l"])


def expected(arguments: list[str]) -> None:
    params = parse(arguments, ["expected"], set())
    if not params["expected"].isdigit():
        raise bad_parameters({"expected": f"type check ('integer') failed - got '{params['expected']}'"})
    _assert_cluster()
    os.execvp("corosync-quorumtool", ["corosync-quorumtool", "-e", params["expected"]])


def keygen(arguments: list[str]) -> None:
    file = Path(parse(arguments, ["filename"], set())["filename"])
    if file.exists():
        raise Failure(f"key file '{file}' already exists")
    file.parent.mkdir(parents=True, exist_ok=True)
    cluster.run("corosync-keygen", "-l", "-k", str(file))


def updatecerts(arguments: list[str]) -> None:
    params = parse(arguments, [], {"force", "silent", "unmerge-known-hosts"})
    silent = params.get("silent") == "1"

    def too_late(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(UPDATE_SECONDS)
    try:
        cluster.make_local_files()
        said = 0.0
        while not cluster.writable():
            if not silent and time.monotonic() - said >= 5:
                cluster.say("waiting for pmxcfs mount to appear and get quorate...")
                said = time.monotonic()
            time.sleep(0.1)
        cluster.update_certs(params.get("force") == "1", silent, params.get("unmerge-known-hosts") == "1")
        cluster.make_observed_directories()
    except TimeoutError:
        text = (
            "got timeout when trying to ensure cluster certificates and base file hierarchy is set up - no quorum"
            " (yet) or hung pmxcfs?"
        )
        if not silent:
            raise Failure(text) from None
        cluster.warn(text)
    finally:
        signal.alarm(0)


COMMANDS = {
    "create": create,
    "add": add,
    "addnode": addnode,
    "delnode": delnode,
    "apiver": apiver,
    "status": status,
    "nodes": nodes,
    "expected": expected,
    "keygen": keygen,
    "updatecerts": updatecerts,
}


def main() -> int:
    arguments = sys.argv[1:]
    if not arguments:
        print(f"ERROR: no command specified\n{usage()}", file=sys.stderr, end="")
        return 255
    name = arguments[0]
    if name == "help":
        print(usage(), end="")
        return 0
    if name not in COMMANDS:
        words = " ".join(["pvecm", *arguments[:2]]) if name == "qdevice" else f"pvecm {name}"
        print(f"ERROR: unknown command '{words}'\n{usage()}", file=sys.stderr, end="")
        return 255
    os.environ["HOME"] = "/root"
    try:
        COMMANDS[name](arguments[1:])
    except ApiError as error:
        sys.stdout.flush()
        prefix = f"{error.status} " if error.status == 400 else ""
        print(f"{prefix}{error.message}", file=sys.stderr)
        for key, text in (error.errors or {}).items():
            print(f"{key}: {text}", file=sys.stderr)
        if error.status == 400:
            print(f"pvecm {name} {USAGE[name]}", file=sys.stderr)
        return 255
    except OSError as error:
        print(f"{error}", file=sys.stderr)
        return error.errno or 255
    return 0
