"""proxmox-backup-manager: the parts of it that configuration needs (src/bin/proxmox-backup-manager.rs)."""

from __future__ import annotations

import sys

from .. import certificate, commandline, release, server
from ..commandline import Command


def _table(name: str, path: str, key: str, create: tuple[str, ...]) -> dict[str, Command]:
    return {
        f"{name} list": Command("GET", path),
        f"{name} show": Command("GET", f"{path}/{{{key}}}", (key,)),
        f"{name} create": Command("POST", path, create),
        f"{name} update": Command("PUT", f"{path}/{{{key}}}", (key,)),
        f"{name} remove": Command("DELETE", f"{path}/{{{key}}}", (key,)),
    }


_TOKEN = "/access/users/{userid}/token"
COMMANDS: dict[str, Command] = {
    **_table("datastore", "/config/datastore", "name", ("name", "path")),
    **_table("prune-job", "/config/prune", "id", ("id",)),
    **_table("verify-job", "/config/verify", "id", ("id",)),
    **_table("sync-job", "/config/sync", "id", ("id",)),
    **_table("remote", "/config/remote", "name", ("name",)),
    **_table("traffic-control", "/config/traffic-control", "name", ("name",)),
    **_table("s3 endpoint", "/config/s3", "id", ("id",)),
    **_table("user", "/access/users", "userid", ("userid",)),
    "user generate-token": Command("POST", f"{_TOKEN}/{{token-name}}", ("userid", "token-name"), says_result=True),
    "user delete-token": Command("DELETE", f"{_TOKEN}/{{token-name}}", ("userid", "token-name")),
    "user list-tokens": Command("GET", _TOKEN, ("userid",)),
    "user permissions": Command("GET", "/access/permissions", ("auth-id",)),
    "acl list": Command("GET", "/access/acl"),
    "acl update": Command("PUT", "/access/acl", ("path", "role")),
    "prune-job run": Command("POST", "/admin/prune/{id}/run", ("id",)),
    "verify-job run": Command("POST", "/admin/verify/{id}/run", ("id",)),
    "sync-job run": Command("POST", "/admin/sync/{id}/run", ("id",)),
    "garbage-collection start": Command("POST", "/admin/datastore/{store}/gc", ("store",)),
    "garbage-collection status": Command("GET", "/admin/datastore/{store}/gc", ("store",)),
    "garbage-collection list": Command("GET", "/admin/gc"),
    "verify": Command("POST", "/admin/datastore/{store}/verify", ("store",)),
    "node show": Command("GET", "/nodes/{node}/config", fixed={"node": "localhost"}),
    "node update": Command("PUT", "/nodes/{node}/config", fixed={"node": "localhost"}),
    "subscription get": Command("GET", "/nodes/{node}/subscription", fixed={"node": "localhost"}),
    "task list": Command("GET", "/nodes/{node}/tasks", fixed={"node": "localhost"}),
    "task log": Command("GET", "/nodes/{node}/tasks/{upid}/log", ("upid",), fixed={"node": "localhost"}),
}
del COMMANDS["user show"]  # there is none


def _certificate() -> int:
    info = certificate.info()
    print(f"Subject: {info['subject']}")
    for name in info["san"]:
        print(f"    {'IP' if ':' in name or name.replace('.', '').isdigit() else 'DNS'}:{name}")
    print(f"Issuer: {info['issuer']}")
    print(f"Fingerprint (sha256): {info['fingerprint']}")
    print(f"Public key type: {info['public-key-type']}")
    print(f"Public key bits: {info['public-key-bits']}")
    return 0


def _versions() -> int:
    told = release.version()
    print(
        f"proxmox-backup-server {told['version']}.{told['release']}-1 running version: {told['version']}.{told['release']}"
    )
    return 0


def main() -> int:
    server.prepare()
    own = {"cert info": _certificate, "versions": _versions}
    for words, work in own.items():
        if sys.argv[1:] == words.split():
            return work()
    if sys.argv[1:3] == ["cert", "update"]:
        certificate.create(force="--force" in sys.argv)
        return 0
    return commandline.main("proxmox-backup-manager", COMMANDS)
