"""storage.cfg as PVE/Storage/Plugin.pm reads and writes it. Content types and nodes are sets in between."""

from __future__ import annotations

import sys
from typing import Any

from .. import paths, pvefiles
from ..errors import Failure
from ..section import Section, SectionConfig, Sections
from ..text import hash_order, split_list, truth
from .types import properties, storage_types

FILE = "storage.cfg"


def section_config() -> SectionConfig:
    return SectionConfig({name: kind.options for name, kind in storage_types().items()}, properties(), _decode, _encode)


def _decode(kind: str, key: str, value: Any) -> Any:
    if key == "content":
        return _decode_content(kind, str(value))
    if key == "nodes":
        return set(split_list(str(value)))
    if key == "content-dirs":
        pairs = (item.split("=", 1) for item in split_list(str(value)))
        return {name: path for name, path in pairs if _supported(kind, name)}
    return value


def _supported(kind: str, content: str) -> bool:
    if content in storage_types()[kind].content:
        return True
    print(f"storage does not support content type '{content}'", file=sys.stderr)
    return False


def _decode_content(kind: str, value: str) -> set[str]:
    content = {name for name in split_list(value) if _supported(kind, name)}
    if "none" in content and len(content) > 1:
        raise Failure("unable to combine 'none' with other content types")
    if not content and "none" not in storage_types()[kind].content:
        raise Failure("storage does not support content type 'none'")
    return content


def _encode(kind: str, key: str, value: Any) -> Any:
    if key == "content":
        return ",".join(hash_order(value)) or "none"
    if key == "nodes":
        return ",".join(hash_order(value))
    if key == "content-dirs":
        return ",".join(f"{name}={path}" for name, path in sorted(value.items()))
    return value


def read() -> Sections:
    """The definitions, with `local` there in any case, defaults and the shared flag filled in."""
    sections = section_config().parse(pvefiles.read(FILE), FILE)
    local = sections.ids.get("local")
    if local is None or local["type"] != "dir" or local.get("path", "/var/lib/vz") != "/var/lib/vz":
        sections.ids = {
            "local": _implicit_local(),
            **{name: section for name, section in sections.ids.items() if name != "local"},
        }
    sections.ids["local"].setdefault("path", "/var/lib/vz")
    sections.ids["local"].pop("nodes", None)
    for section in sections.ids.values():
        kind = storage_types()[section["type"]]
        if not section.get("content"):
            section["content"] = set(kind.default)
        if kind.shared:
            section["shared"] = 1
    return sections


def _implicit_local() -> Section:
    return {
        "type": "dir",
        "path": "/var/lib/vz",
        "prune-backups": "keep-all=1",
        "content": {"backup", "images", "iso", "rootdir", "snippets", "vztmpl"},
    }


def write(sections: Sections) -> None:
    pvefiles.write(FILE, section_config().write(sections))


def get(sections: Sections, storage: str) -> Section:
    if storage not in sections.ids:
        raise Failure(f"storage '{storage}' does not exist")
    return sections.ids[storage]


def describe(sections: Sections, storage: str) -> dict[str, Any]:
    """A definition as the API shows it."""
    section = dict(get(sections, storage))
    section["content"] = _encode(section["type"], "content", section["content"])
    if "nodes" in section:
        section["nodes"] = _encode(section["type"], "nodes", section["nodes"])
    return {**section, "storage": storage, "digest": sections.digest}


def enabled_here(section: Section) -> bool:
    """Not disabled, and this node is among its nodes."""
    return not truth(section.get("disable")) and on_node(section, paths.node_name())


def on_node(section: Section, node: str) -> bool:
    return not section.get("nodes") or node in section["nodes"]
