"""The table of endpoints: how it finds one, and that it says what the official schema says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pvestandin import registry
from pvestandin.errors import ApiError

HERE = Path(__file__).resolve()
# GET / is in no schema. server2 requires server, which one release's file turns the other way round.
KNOWN = {
    ("GET", "/", ""),
    ("POST", "/storage", "8.4"),
    ("PUT", "/storage/{storage}", "8.4"),
    ("POST", "/cluster/config", "8.4"),
    ("DELETE", "/nodes/{node}/ceph/fs/{name}", "8.4"),
    # what came with Proxmox VE 9 answers so by its handler
    *((method, "/cluster/sdn/lock", "8.4") for method in ("POST", "DELETE")),
    ("POST", "/cluster/sdn/rollback", "8.4"),
    ("GET", "/cluster/sdn/fabrics/all", "8.4"),
    *((method, "/cluster/ha/rules", "8.4") for method in ("GET", "POST")),
    *((method, "/cluster/ha/rules/{rule}", "8.4") for method in ("GET", "PUT", "DELETE")),
}
# Of a guest's many options those that the rack uses.
PARTLY = {("POST", "/nodes/{node}/qemu"), ("PUT", "/nodes/{node}/qemu/{vmid}/config")}
# Before 9 there was a permission, and now the handler looks at the guest's; here it does both.
BY_THE_HANDLER = {
    ("POST", "/cluster/replication", "8.4"),
    ("PUT", "/cluster/replication/{id}", "8.4"),
    ("DELETE", "/cluster/replication/{id}", "8.4"),
}


def official(release: str) -> dict[str, Any]:
    named = os.environ.get("BAREMETAL_SHARED")
    for directory in [Path(named)] if named else [parent / "shared" for parent in HERE.parents]:
        path = directory / "api" / f"pve-{release}.json"
        if path.exists():
            return json.loads(path.read_text())["paths"]
    pytest.skip("Proxmox's official schemas are not here: put them into ../shared")


@pytest.fixture(autouse=True)
def loaded() -> None:
    registry.load()


@pytest.mark.parametrize(
    ("method", "path", "template", "params"),
    [
        ("GET", "/storage", "/storage", {}),
        ("GET", "/storage/", "/storage", {}),
        ("GET", "/storage/nas", "/storage/{storage}", {"storage": "nas"}),
        (
            "PUT",
            "/access/users/a@pve/token/t",
            "/access/users/{userid}/token/{tokenid}",
            {"userid": "a@pve", "tokenid": "t"},
        ),
        (
            "GET",
            "/nodes/pve1/tasks/UPID:a:b/status",
            "/nodes/{node}/tasks/{upid}/status",
            {"node": "pve1", "upid": "UPID:a:b"},
        ),
    ],
)
def test_find(method: str, path: str, template: str, params: dict[str, str]) -> None:
    endpoint, found = registry.find(method, path)
    assert (endpoint.path, found) == (template, params)


@pytest.mark.parametrize(("method", "path"), [("POST", "/version"), ("GET", "/nosuch"), ("GET", "/storage/a/b")])
def test_what_is_not_there_is_501(method: str, path: str) -> None:
    with pytest.raises(ApiError) as caught:
        registry.find(method, path)
    assert (caught.value.status, caught.value.message) == (501, f"Method '{method} {path}' not implemented")


def test_a_path_cannot_be_declared_twice() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        registry.endpoint("GET", "/version")(lambda ctx, params: None)


@pytest.mark.parametrize("release", ["8.4", "9.2"])
def test_declarations_agree_with_the_official_schema(release: str, node: Any) -> None:
    node.set_release(release)
    paths = official(release)
    wrong = []
    for endpoint in registry.endpoints():
        if (endpoint.method, endpoint.path, "") in KNOWN:
            continue
        info = paths.get(endpoint.path, {}).get(endpoint.method)
        if info is None and (endpoint.method, endpoint.path, release) in KNOWN:
            continue
        if info is None:
            wrong.append(f"{endpoint.method} {endpoint.path} is not in the schema")
            continue
        permission = info.get("permissions") or {}
        handled = (endpoint.method, endpoint.path, release) in BY_THE_HANDLER
        if not handled and (permission.get("user") or permission.get("check")) != endpoint.permission:
            wrong.append(f"{endpoint.method} {endpoint.path}: permission is {permission}")
        if bool(info.get("proxyto")) != bool(endpoint.proxyto):
            wrong.append(f"{endpoint.method} {endpoint.path}: proxyto is {info.get('proxyto')}")
        if (endpoint.method, endpoint.path, release) not in KNOWN:
            wrong += _parameters(endpoint, info.get("params") or {})
    assert wrong == []


def _parameters(endpoint: registry.Endpoint, known: dict[str, Any]) -> list[str]:
    numbered = {name[:-3] for name in known if name.endswith("[n]")}
    declared = {name: entry for name, entry in endpoint.params.items() if name.rstrip("0123456789") not in numbered}
    known = {name: entry for name, entry in known.items() if not name.endswith("[n]")}
    where = f"{endpoint.method} {endpoint.path}"
    if (endpoint.method, endpoint.path) in PARTLY:
        known = {name: entry for name, entry in known.items() if name in declared}
    found = [f"{where}: {name} is declared on one side only" for name in declared.keys() ^ known.keys()]
    for name in declared.keys() & known.keys():
        if bool(declared[name].get("optional")) != bool(known[name].get("optional")):
            found.append(f"{where}: {name} is optional on one side only")
        if declared[name].get("type") != known[name].get("type", "string"):
            found.append(f"{where}: the type of {name} is {known[name].get('type')}")
    return found
