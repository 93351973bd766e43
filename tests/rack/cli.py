"""`python3 -m rack`: the rack for a person."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rack import machine
from rack.errors import RackError
from rack.rack import Rack
from rack.spec import BACKENDS, RELEASES, load_spec


def _say(text: str) -> None:
    print(f"rack: {text}", file=sys.stderr, flush=True)


def _command(words: list[str], example: str) -> list[str]:
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise RackError(f"no command given; for example: {example}")
    return words


def _up(options: argparse.Namespace) -> int:
    spec = load_spec(Path(options.spec), options.name, options.release, options.nodes, options.backend)
    rack = Rack.bring_up(spec, _say)
    _show(rack.status())
    return 0


def _down(options: argparse.Namespace) -> int:
    if options.all:
        for name in Rack.names():
            Rack(name).down()
        return 0
    name = options.name_or_none or options.rack
    if not Rack.names() or (name is not None and name not in Rack.names()):
        _say(f"there is no rack{f' {name!r}' if name else ''}; nothing to take down")
        return 0
    Rack.find(name).down()
    return 0


def _show(status: dict[str, Any]) -> None:
    print(f"{status['name']}: {status['state']}" + (f", {status['release']}" if "release" in status else ""))
    for name, node in status["nodes"].items():
        print(f"  {name:<12} {node['state']:<8} {node['address']}")


def _status(options: argparse.Namespace) -> int:
    name = options.name_or_none or options.rack
    names = [name] if name else Rack.names()
    found = [Rack.find(name).status() for name in names]
    if options.json:
        print(json.dumps(found, indent=2))
    for status in found if not options.json else []:
        _show(status)
    if not found and not options.json:
        print("no rack")
    return 0


def _inventory(options: argparse.Namespace) -> int:
    data = Rack.find(options.name_or_none or options.rack).inventory()
    print(json.dumps(data["_meta"]["hostvars"].get(options.host, {}) if options.host else data, indent=2))
    return 0


def _become(command: list[str]) -> int:
    try:
        os.execvp(command[0], command)
    except BrokenPipeError:
        return 0
    except OSError as error:
        raise RackError(f"{command[0]}: {error.strerror}") from None


def _ssh(options: argparse.Namespace) -> int:
    rack = Rack.find(options.rack)
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    return _become(rack.ssh_command(options.node, words))


def _exec(options: argparse.Namespace) -> int:
    rack = Rack.find(options.rack)
    return _become(rack.enter_command(options.node, _command(options.command, "rack exec pve1 -- systemctl status")))


def _net(options: argparse.Namespace) -> int:
    rack = Rack.find(options.rack)
    return _become(
        ["nsenter", f"--net={rack.check_network()}", "--", *_command(options.command, "rack net -- ip address")]
    )


def _reboot(options: argparse.Namespace) -> int:
    Rack.find(options.rack).reboot(options.node, wait=not options.no_wait)
    return 0


def _cut(options: argparse.Namespace) -> int:
    Rack.find(options.rack).cut(options.node)
    return 0


def _start(options: argparse.Namespace) -> int:
    Rack.find(options.rack).start(options.node, wait=not options.no_wait)
    return 0


def _log(options: argparse.Namespace) -> int:
    rack = Rack.find(options.rack)
    directory = machine.node_dir(rack.directory, rack.spec.node(options.node).name)
    sys.stdout.write((directory / "console.log").read_text(errors="replace"))
    sys.stdout.flush()
    arguments = ["journalctl", "--no-pager", "--no-hostname"]
    if rack.leader(options.node) is not None:
        return rack.exec(options.node, arguments).returncode
    command = rack.backend.journal_command(rack.spec.node(options.node), arguments)
    return subprocess.run(command, check=False).returncode


def _requests(options: argparse.Namespace) -> int:
    for call in Rack.find(options.rack).requests(options.node, options.since):
        print(json.dumps(call))
    return 0


def _fault(options: argparse.Namespace) -> int:
    rack = Rack.find(options.rack)
    if options.kind == "list":
        for item in rack.faults(options.node):
            print(json.dumps(item))
    elif options.kind == "clear":
        rack.clear_faults(options.node)
    elif options.kind == "lock":
        (rack.release_lock if options.release else rack.hold_lock)(options.node, options.name)
    else:
        action = {"http": "status"}.get(options.kind, options.kind)
        details = {key: getattr(options, key) for key in ("status", "seconds", "message") if hasattr(options, key)}
        rack.fault(options.node, action, options.match, times=options.times or None, **details)
    return 0


def _port(options: argparse.Namespace) -> int:
    rack = Rack.find(options.rack)
    if options.node is None:
        print(json.dumps(rack.ports(), indent=2))
        return 0
    values: dict[str, Any] = {}
    if options.link:
        values["up"] = options.link == "up"
    for key in ("mtu", "native"):
        if getattr(options, key) is not None:
            values[key] = getattr(options, key)
    if options.tagged is not None:
        words = options.tagged.replace(",", " ").split()
        values["tagged"] = None if words == ["all"] else [int(word) for word in words if word != "none"]
    if options.interface is None or not values:
        raise RackError("say which port and what to change; for example: rack port pve1 ens18 --link down")
    rack.set_port(options.node, options.interface, **values)
    return 0


def _add_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", nargs="?", metavar="NODE", help="without it: show every port")
    parser.add_argument("interface", nargs="?", metavar="NIC")
    parser.add_argument("--link", choices=("up", "down"), help="put the cable in or pull it out")
    parser.add_argument("--mtu", type=int, help="lose frames with a larger payload")
    parser.add_argument("--native", type=int, metavar="VLAN", help="the VLAN of untagged frames")
    parser.add_argument("--tagged", metavar="VLANS", help="VLANs that pass with a tag: 20,30, or all, or none")


def _add_faults(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    subject = "regular expression over `METHOD /path`, for example 'POST /storage$'"
    for kind, text in (
        ("http", "answer with an HTTP error"),
        ("drop", "close the connection before the call is done"),
        ("drop-after", "do the call, then close the connection without an answer"),
        ("delay", "answer late"),
        ("task-fail", "let tasks end with an error"),
    ):
        sub = kinds.add_parser(kind, help=text)
        sub.add_argument("match", help="regular expression over the task's type" if kind == "task-fail" else subject)
        sub.add_argument("--times", type=int, default=1, help="for how many calls (default 1; 0: until cleared)")
        if kind == "http":
            sub.add_argument("--status", type=int, default=500)
        if kind == "delay":
            sub.add_argument("--seconds", type=float, default=5.0)
        if kind in ("http", "task-fail"):
            sub.add_argument("--message")
    lock = kinds.add_parser("lock", help="hold a cluster lock")
    lock.add_argument("name", help="for example file-storage_cfg")
    lock.add_argument("--release", action="store_true")
    kinds.add_parser("list", help="faults still armed")
    kinds.add_parser("clear", help="disarm all")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rack", description="Virtual racks of bare Debian machines.")
    parser.add_argument("--rack", metavar="NAME", help="which rack (default: $RACK_NAME, or the only one)")
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, work: Any, text: str, node: bool = False) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(work=work)
        if node:
            sub.add_argument("node", metavar="NODE")
        return sub

    up = add("up", _up, "bring a rack up, complete a half-up one, or add nodes to it")
    up.add_argument("spec", metavar="SPEC")
    up.add_argument("--name", help="instead of the name in SPEC")
    up.add_argument("--release", choices=sorted(RELEASES), help="instead of the release in SPEC")
    up.add_argument("--backend", choices=BACKENDS, help="instead of the backend in SPEC (or RACK_BACKEND)")
    up.add_argument("--nodes", type=int, metavar="N", help="how many nodes, instead of what SPEC says")
    down = add("down", _down, "take a rack down; nothing of it stays but the caches")
    down.add_argument("name_or_none", nargs="?", metavar="NAME")
    down.add_argument("--all", action="store_true", help="every rack of this state directory")
    status = add("status", _status, "show racks and machines")
    status.add_argument("name_or_none", nargs="?", metavar="NAME")
    status.add_argument("--json", action="store_true")
    listing = add("inventory", _inventory, "print an Ansible inventory")
    listing.add_argument("name_or_none", nargs="?", metavar="NAME")
    listing.add_argument("--list", action="store_true", help="everything (the default)")
    listing.add_argument("--host", metavar="NODE", help="variables of one node")
    for name, work, text in (
        ("ssh", _ssh, "log in to a node over its management network"),
        ("exec", _exec, "run a command in a node, without its network"),
    ):
        add(name, work, text, node=True).add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    add("net", _net, "run a command in the rack's own network").add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- CMD"
    )
    add("reboot", _reboot, "reboot a node in an orderly way", node=True).add_argument("--no-wait", action="store_true")
    add("cut", _cut, "cut a node's power", node=True)
    add("start", _start, "switch a node on", node=True).add_argument("--no-wait", action="store_true")
    _add_port(add("port", _port, "show or change the switch's ports of a metal rack"))
    add("log", _log, "console and journal of a node", node=True)
    requests = add("requests", _requests, "calls that a node's stand-in answered, one JSON object a line", node=True)
    requests.add_argument("--since", type=float, default=0, metavar="TIME", help="seconds of the epoch (date +%%s)")
    _add_faults(add("fault", _fault, "make a node's Proxmox stand-in fail", node=True))
    return parser


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.work(options)
    except RackError as error:
        _say(str(error))
        return 1
    except subprocess.CalledProcessError as error:
        detail = (error.stderr or "").strip() if isinstance(error.stderr, str) else ""
        _say(f"{' '.join(map(str, error.cmd))} failed with code {error.returncode}" + (f": {detail}" if detail else ""))
        return 1
    except BrokenPipeError:
        return 0
    except OSError as error:
        _say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted; `rack up` again completes it, `rack down` removes it")
        return 130
