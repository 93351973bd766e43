"""/cluster/mapping: names for hardware (PVE/API2/Cluster/Mapping/*.pm, PVE/Mapping/*.pm of pve-guest-common)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import formats, hardware, paths, pvefiles, schema
from ..errors import ApiError, Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import OPTIONAL, REQUIRED, SectionConfig, Sections
from ..text import digest, hash_order, split_list, truth

_SEEN = ["Mapping.Modify", "Mapping.Use", "Mapping.Audit"]
_ID = {"id": {"type": "string", "format": "pve-configid"}}
_NODE = {"type": "string", "format": "pve-node"}
_DEVICE = {"type": "string", "pattern": "^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$"}
_PCI = r"[a-f0-9]{4,}:[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?"
_TEXT = {"type": "string", "optional": 1, "maxLength": 4096}
_FLAG = {"type": "boolean", "optional": 1, "default": 0}
_CHECK = {"check-node": {**_NODE, "optional": 1}}
_UPDATE = {
    "digest": {"type": "string", "optional": 1, "maxLength": 64},
    "delete": {"type": "string", "optional": 1, "format": "pve-configid-list", "maxLength": 4096},
}
# the path may not hold what separates the parts of a property string
formats.FORMATS["pve-storage-path-in-property-string"] = (
    lambda value: re.match(r"/[^;,=()]+", value) is not None,
    "Value does not look like a valid absolute path. These symbols are currently not allowed in path: ;,=()\n",
)


class Mappings(SectionConfig):
    """A section config whose headers are only the name: all sections are of one type."""

    @property
    def kind(self) -> str:
        return next(iter(self.types))

    def parse(self, raw: str, filename: str = "") -> Sections:
        typed = re.sub(r"^([^\s#]\S*)[ \t]*$", rf"{self.kind}: \1", raw, flags=re.MULTILINE)
        parsed = super().parse(typed, filename)
        parsed.digest = digest(raw)
        return parsed

    def write(self, sections: Sections) -> str:
        return re.sub(rf"^{self.kind}: ", "", super().write(sections), flags=re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    name: str
    file: str
    entry: dict[str, dict[str, Any]]
    """The format of one entry of `map`."""
    flags: tuple[str, ...]
    complaints: str
    """Under which name the list shows what `check-node` found."""
    check: Callable[[str, dict[str, str], dict[str, Any]], None]
    """Raises Failure if an entry does not fit this node: name, entry, section."""

    @property
    def table(self) -> Mappings:
        options = {"map": REQUIRED, "description": OPTIONAL, **dict.fromkeys(self.flags, OPTIONAL)}
        properties = {"map": _map(self, 0), "description": _TEXT, **dict.fromkeys(self.flags, _FLAG)}
        return Mappings({self.name: options}, properties)

    def read(self) -> Sections:
        return self.table.parse(pvefiles.read(self.file), self.file)

    def write(self, sections: Sections) -> None:
        paths.pve(self.file).parent.mkdir(exist_ok=True)
        pvefiles.write(self.file, self.table.write(sections))

    def entries(self, section: dict[str, Any], node: str) -> list[dict[str, str]]:
        parsed = [schema.parse_property_string(self.entry, text) for text in section.get("map", ())]
        return [entry for entry in parsed if entry["node"] == node]


def _map(kind: Kind, optional: int) -> dict[str, Any]:
    return {"type": "array", "optional": optional, "items": {"type": "string", "format": kind.entry}}


def _check_pci(name: str, entry: dict[str, str], section: dict[str, Any]) -> None:
    devices = {device["id"]: device for device in hardware.pci([])}
    for number, path in enumerate(entry["path"].split(";")):
        path = path if re.search(r"\.[a-f0-9]$", path) else f"{path}.0"
        device = devices.get(path)
        if device is None:
            raise Failure(f"pci device '{path}' not found")
        subsystem = [device.get(f"subsystem_{part}") for part in ("vendor", "device")]
        expected = {
            "id": f"{device['vendor']}:{device['device']}",
            "iommugroup": device.get("iommugroup") if number == 0 else None,
            "mdev": int(truth(device.get("mdev"))),
            "subsystem-id": ":".join(map(str, subsystem)) if all(subsystem) else None,
        }
        found = {**entry, "mdev": int(truth(section.get("mdev")))}
        for key in sorted(expected):
            _compare(name, path, key, expected[key], found.get(key) if number == 0 or key != "iommugroup" else None)


def _compare(name: str, path: str, key: str, expected: Any, found: Any) -> None:
    if expected is None and found is None:
        return
    if found is None:
        raise Failure(f"missing expected property '{key}' for device '{path}'")
    if expected is None:
        raise Failure(f"unexpected property '{key}' configured for device '{path}'")
    expected, found = str(expected).replace("0x", ""), str(found).replace("0x", "")
    if expected != found:
        raise Failure(f"'{key}' does not match for '{name}' ({expected} != {found})")


def _check_usb(name: str, entry: dict[str, str], section: dict[str, Any]) -> None:
    devices = [(f"{device['vendid']}:{device['prodid']}", device) for device in hardware.usb()]
    if "path" not in entry:
        if entry["id"] not in [number for number, _unused in devices]:
            raise Failure(f"usb device '{entry['id']}' not found")
        return
    there = [number for number, device in devices if f"{device['busnum']}-{device.get('usbpath')}" == entry["path"]]
    if not there:
        raise Failure(f"usb device '{entry['path']}' not found")
    if there[0] != entry["id"]:
        raise Failure(f"'id' does not match for '{name}' ({there[0]} != {entry['id']})")


def _check_dir(name: str, entry: dict[str, str], section: dict[str, Any]) -> None:
    path = paths.at(entry["path"])
    if not path.exists():
        raise Failure(f"Path {entry['path']} does not exist")
    if not path.is_dir():
        raise Failure(f"Path {entry['path']} exists, but is not a directory")


_KINDS = (
    Kind(
        "dir",
        "mapping/directory.cfg",
        {"node": _NODE, "path": {"type": "string", "format": "pve-storage-path-in-property-string"}},
        (),
        "checks",
        _check_dir,
    ),
    Kind(
        "pci",
        "mapping/pci.cfg",
        {
            "node": _NODE,
            "id": _DEVICE,
            "subsystem-id": {**_DEVICE, "optional": 1},
            "path": {"type": "string", "pattern": f"(?:{_PCI};)*{_PCI}"},
            "iommugroup": {"type": "integer", "optional": 1},
            "description": _TEXT,
        },
        ("mdev", "live-migration-capable"),
        "checks",
        _check_pci,
    ),
    Kind(
        "usb",
        "mapping/usb.cfg",
        {
            "node": _NODE,
            "id": _DEVICE,
            "path": {"type": "string", "pattern": r"^(\d+)\-(\d+(\.\d+)*)$", "optional": 1},
            "description": _TEXT,
        },
        (),
        "errors",
        _check_usb,
    ),
)


@endpoint("GET", "/cluster/mapping", permission=ALL)
def kinds(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": kind.name} for kind in _KINDS]


def _declare(kind: Kind) -> None:
    """The five calls of one kind. Only directories are looked at when they are written."""
    path, table = f"/cluster/mapping/{kind.name}", kind.table
    one = f"{path}/{{id}}"
    acl = f"/mapping/{kind.name}"
    modify = ["perm", acl, ["Mapping.Modify"]]
    settings = {"description": _TEXT, **dict.fromkeys(kind.flags, _FLAG)}

    @endpoint("GET", path, permission=ALL, params=_CHECK)
    def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
        sections, allowed = kind.read(), Permissions()
        visible = [
            name for name in hash_order(sections.ids) if allowed.allowed(ctx.user, f"{acl}/{name}", _SEEN, any_of=True)
        ]
        answer = [{**sections.ids[name], "id": name, "digest": sections.digest} for name in visible]
        node = params.get("check-node")
        if node not in (None, "localhost", ctx.node):
            raise ApiError(501, f"a check on {node} has to be asked of that node: this stand-in does not pass it on")
        return [{**row, kind.complaints: _complaints(kind, row, ctx.node)} for row in answer] if node else answer

    order = ("Audit", "Use", "Modify") if kind.name == "usb" else ("Use", "Modify", "Audit")
    see = ["or", *(["perm", f"{acl}/{{id}}", [f"Mapping.{name}"]] for name in order)]

    @endpoint("GET", one, permission=see, params=_ID)
    def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        sections = kind.read()
        if params["id"] not in sections.ids:
            raise Failure(f"mapping '{params['id']}' not found")
        return {**sections.ids[params["id"]], "digest": sections.digest}

    @endpoint("POST", path, permission=modify, params={**_ID, **settings, "map": _map(kind, 0)})
    def create(ctx: Context, params: dict[str, Any]) -> None:
        values = dict(params)
        name = values.pop("id")
        section = table.check_config(kind.name, values, create=True)
        _check_written(kind, ctx.node, name, section)
        what = "create directory mapping failed" if kind.name == "dir" else "create hardware mapping failed"
        with pvefiles.lock_file(kind.file, what):
            sections = kind.read()
            if name in sections.ids:
                raise Failure(f"{kind.name} ID '{name}' already defined")
            sections.ids[name] = section
            kind.write(sections)

    changed = {**_ID, **_UPDATE, **settings, "map": _map(kind, int(kind.name != "usb"))}

    @endpoint("PUT", one, permission=["perm", f"{acl}/{{id}}", ["Mapping.Modify"]], params=changed)
    def update(ctx: Context, params: dict[str, Any]) -> None:
        values = dict(params)
        name, expected = values.pop("id"), values.pop("digest", None)
        delete = split_list(values.pop("delete", None))
        what = "update directory mapping failed" if kind.name == "dir" else "update hardware mapping failed"
        with pvefiles.lock_file(kind.file, what):
            sections = kind.read()
            sections.assert_unmodified(expected)
            if name not in sections.ids:
                raise Failure(f"{kind.name} ID '{name}' does not exist")
            # as for a new one: without `map` it is refused
            section = table.check_config(kind.name, values, create=True)
            _check_written(kind, ctx.node, name, section)
            table.check_delete(kind.name, delete, section)
            for key in delete:
                sections.ids[name].pop(key, None)
            sections.ids[name].update(section)
            kind.write(sections)

    @endpoint("DELETE", one, permission=modify, params=_ID)
    def remove(ctx: Context, params: dict[str, Any]) -> None:
        """Also for what does not exist."""
        with pvefiles.lock_file(kind.file, f"delete {kind.name} mapping failed"):
            sections = kind.read()
            sections.ids.pop(params["id"], None)
            kind.write(sections)


def _check_written(kind: Kind, node: str, name: str, section: dict[str, Any]) -> None:
    if kind.name != "dir":
        return
    nodes = [schema.parse_property_string(kind.entry, text)["node"] for text in section["map"]]
    for entry in kind.entries(section, node):
        kind.check(name, entry, section)
    for other in nodes:
        if nodes.count(other) > 1:
            raise Failure(f"Node '{other}' is specified {nodes.count(other)} times.")


def _complaints(kind: Kind, row: dict[str, Any], node: str) -> list[dict[str, str]]:
    entries = kind.entries(row, node)
    if not entries:
        return [{"severity": "warning", "message": f"No mapping for node {node}."}]
    found = []
    for entry in entries:
        try:
            kind.check(row["id"], entry, row)
        except Failure as failure:
            found.append({"severity": "error", "message": f"Invalid configuration: {failure.message}\n"})
    return found


for _kind in _KINDS:
    _declare(_kind)
