"""pveceph (PVE/CLI/pveceph.pm). Its exit codes are the real one's: pool and fs commands end with 0 whatever happened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Any

from .. import paths, registry, tables, tasks
from ..ceph import conf as ceph_conf
from ..ceph import install, node, rados, services
from ..commandline import FORMAT_OPTIONS, Command, UsageError, call, parse, run
from ..errors import ApiError, Failure
from ..text import truth

_ALIASES = {
    "lspools": "pool ls",
    "createpool": "pool create",
    "destroypool": "pool destroy",
    "createosd": "osd create",
    "destroyosd": "osd destroy",
    "createmon": "mon create",
    "destroymon": "mon destroy",
    "createmgr": "mgr create",
    "destroymgr": "mgr destroy",
}
_SERVICES_OF_PURGE = {"logs": "/var/log/ceph", "crash": "/var/lib/ceph/crash"}


def honest(upid: Any) -> None:
    """End with the task's own result."""
    if tasks.decode(str(upid)).result() != "OK":
        raise SystemExit(255)


def commands() -> dict[str, Command]:
    name = paths.node_name()
    here, one = {"node": name}, "/nodes/{node}/ceph"
    table = {
        "init": Command("POST", f"{one}/init", (), here),
        "pool ls": Command("GET", f"{one}/pool", (), here, "result"),
        "pool create": Command("POST", f"{one}/pool", ("name",), here),
        "pool destroy": Command("DELETE", f"{one}/pool/{{name}}", ("name",), here),
        "pool set": Command("PUT", f"{one}/pool/{{name}}", ("name",), here),
        "pool get": Command("GET", f"{one}/pool/{{name}}/status", ("name",), here, "result"),
        "fs create": Command("POST", f"{one}/fs/{{name}}", (), here, defaults={"name": "cephfs"}),
        "fs destroy": Command("DELETE", f"{one}/fs/{{name}}", ("name",), here),
        "osd create": Command("POST", f"{one}/osd", ("dev",), here, honest),
        "osd destroy": Command("DELETE", f"{one}/osd/{{osdid}}", ("osdid",), here, honest),
        "mon create": Command("POST", f"{one}/mon/{{monid}}", (), here, honest, defaults={"monid": name}),
        "mon destroy": Command("DELETE", f"{one}/mon/{{monid}}", ("monid",), here, honest),
        "mgr create": Command("POST", f"{one}/mgr/{{id}}", (), here, honest, defaults={"id": name}),
        "mgr destroy": Command("DELETE", f"{one}/mgr/{{id}}", ("id",), here, honest),
        "mds create": Command("POST", f"{one}/mds/{{name}}", (), here, honest, defaults={"name": name}),
        "mds destroy": Command("DELETE", f"{one}/mds/{{name}}", ("name",), here, honest),
        "start": Command("POST", f"{one}/start", (), here, honest),
        "stop": Command("POST", f"{one}/stop", (), here, honest),
    }
    return table | {alias: table[known] for alias, known in _ALIASES.items()}


# -- commands that are no API calls


def status(args: list[str]) -> None:
    parse({}, args)
    node.check_inited()
    done = subprocess.run(["ceph", "-s"], check=False, timeout=15)
    if done.returncode:
        raise Failure(f"command 'ceph -s' failed: exit code {done.returncode}")


def details(args: list[str]) -> None:
    boolean = {"type": "boolean", "optional": 1}
    params = parse({"osdid": {"type": "string"}, "verbose": boolean, **FORMAT_OPTIONS}, args, ("osdid",))
    answer = call("pveceph", "GET", f"/nodes/{paths.node_name()}/ceph/osd/{params['osdid']}/metadata", {})
    if answer.status >= 400:
        raise ApiError(answer.status, answer.message or "", answer.errors)
    form = "json-pretty" if truth(params.get("verbose")) else params.get("output-format", "text")
    shown = answer.data
    if form == "text":
        shown = dict(answer.data["osd"])
        for device in answer.data["devices"]:
            shown[device["device"]] = f"Disk: {device['physical_device']}, Type: {device['type']}"
    tables.show(shown, None, {"output-format": form})


def purge(args: list[str]) -> None:
    """Removes what is left of Ceph on a node, when nothing of it is used any more."""
    params = parse({name: {"type": "boolean", "optional": 1} for name in _SERVICES_OF_PURGE}, args)
    name = paths.node_name()
    pools, mons, mdss, osds = _left()
    own_mon = [entry for entry in mons.values() if entry.get("host") == name]
    problems = ["remove pools, this will !!DESTROY DATA!!"] if pools else []
    problems += [f"remove active OSD on {name}"] if any(entry.get("hostname") == name for entry in osds) else []
    problems += [f"remove active MDS on {name}"] if any(entry.get("host") == name for entry in mdss.values()) else []
    problems += [f"remove other MONs, {name} is not the last MON"] if len(mons) > 1 and own_mon else []
    if problems:
        raise Failure("Unable to purge Ceph!\n\nTo continue:\n" + "".join(f"- {text}\n" for text in problems))
    local = services.local()
    for kind, known in local.items():
        for ident, entry in known.items():
            if entry.get("service"):
                _end(f"{kind}.{ident}")
        if any(entry.get("direxists") for entry in known.values()):
            _empty(f"/var/lib/ceph/{kind}")
    for extra, directory in _SERVICES_OF_PURGE.items():
        if truth(params.get(extra)):
            _empty(directory)
    _remove_files(local)
    services.broadcast()


def _left() -> tuple[list[Any], services.Services, services.Services, list[Any]]:
    """(pools, monitors, metadata servers, OSDs) as the monitors know them; nothing when they do not answer."""
    try:
        with rados.connect() as mon:
            conf = ceph_conf.read()
            return (
                mon.mon_command("osd lspools"),
                services.information("mon", conf, mon),
                services.information("mds", conf, mon),
                mon.mon_command("osd metadata"),
            )
    except Failure as error:
        print(f"Error gathering ceph info, already purged? Message: {error.message}", file=sys.stderr)
        return [], {}, {}, []


def _end(service: str) -> None:
    unit = service.replace(".", "@", 1)
    for action in ("disable", "stop"):
        try:
            services.command(action, service)
        except Failure as error:
            print(f"Could not {action} ceph-{unit}, error: {error.message}", file=sys.stderr)


def _empty(directory: str) -> None:
    for entry in paths.at(directory).glob("*"):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def _remove_files(local: dict[str, services.Services]) -> None:
    if ceph_conf.monitor_addresses(ceph_conf.read()) and not local["mon"]:
        print("Foreign MON address in ceph.conf. Keeping config & keyrings", file=sys.stderr)
        return
    print("Removing config & keyring files")
    for file in node.FILES:
        paths.at(file).unlink(missing_ok=True)


OWN = {"install": install.main, "purge": purge, "status": status, "osd details": details}


def main() -> int:
    registry.load()
    args = sys.argv[1:]
    for length in (2, 1):
        name = " ".join(args[:length])
        if name in OWN:
            return _own(name, args[length:])
    return run("pveceph", commands(), args)


def _own(name: str, args: list[str]) -> int:
    try:
        OWN[name](args)
    except UsageError as error:
        print(f"400 {error}\npveceph {name} [OPTIONS]", file=sys.stderr)
        return 255
    except ApiError as error:
        sys.stdout.flush()
        print(error.message.rstrip("\n") if error.status == 500 else f"{error.status} {error.message}", file=sys.stderr)
        return getattr(error, "code", 255)
    return 0
