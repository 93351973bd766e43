"""storage.cfg and the table of storage types."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin.errors import Failure
from pvestandin.storage import config, hooks
from pvestandin.storage.types import properties, storage_types, updatable


@pytest.mark.parametrize(("release", "only"), [("8.4", {"glusterfs"}), ("9.2", set())])
def test_every_option_has_a_schema(node: Any, release: str, only: set[str]) -> None:
    node.set_release(release)
    types = storage_types()
    assert types.keys() & {"glusterfs"} == only
    assert {name for kind in types.values() for name in kind.options} <= properties().keys()
    assert all(set(kind.default) <= kind.content for kind in types.values())
    assert all(set(kind.secrets) <= kind.options.keys() for kind in types.values())


def test_what_differs_between_the_releases(node: Any) -> None:
    node.set_release("8.4")
    old = {name: set(kind.options) for name, kind in storage_types().items()}
    node.set_release("9.2")
    new = {name: set(kind.options) for name, kind in storage_types().items()}
    assert {name: old[name] ^ new[name] for name in new if old[name] ^ new[name]} == {
        **{name: {"maxfiles", "snapshot-as-volume-chain"} for name in ("dir", "nfs", "cifs")},
        **{name: {"maxfiles"} for name in ("btrfs", "cephfs", "pbs")},
        "lvm": {"saferemove-stepsize", "snapshot-as-volume-chain"},
        "zfs": {"zfs-base-path"},
    }


def test_fixed_everywhere_means_not_in_put(node: Any) -> None:
    assert {"path", "export", "share", "target", "vgname"} & updatable().keys() == set()
    assert {"server", "pool", "blocksize"} <= updatable().keys()


def test_local_is_there_without_a_file(node: Any) -> None:
    local = config.describe(config.read(), "local")
    assert (local["type"], local["path"], local["prune-backups"]) == ("dir", "/var/lib/vz", "keep-all=1")
    assert set(local["content"].split(",")) == {"backup", "images", "iso", "rootdir", "snippets", "vztmpl"}


def test_defaults_are_filled_in(node: Any) -> None:
    node.write("storage.cfg", "nfs: nas\n\texport /x\n\tpath /mnt/pve/nas\n\tserver s\n\nlvm: vg\n\tvgname vg\n")
    sections = config.read()
    assert (sections.ids["nas"]["content"], sections.ids["nas"]["shared"]) == ({"images"}, 1)
    assert (sections.ids["vg"]["content"], sections.ids["vg"].get("shared")) == ({"images"}, None)


def test_content_that_the_type_does_not_have(node: Any) -> None:
    table = config.section_config()
    for kind, content, sentence in (
        ("nfs", "none", "storage does not support content type 'none'"),
        ("dir", "none,iso", "unable to combine 'none' with other content types"),
    ):
        values = {name: "/x" for name, option in table.types[kind].items() if not option.optional}
        with pytest.raises(Failure) as caught:
            table.check_config(kind, {**values, "content": content}, create=True)
        assert caught.value.message == sentence


def test_secrets_go_into_files_of_their_own(node: Any) -> None:
    hooks.added("smb", {"type": "cifs", "username": "u"}, {"password": "geheim"})
    path = node.pve / "priv/storage/smb.pw"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("password=geheim\n", 0o600)
    hooks.removed("smb", {"type": "cifs"})
    assert not path.exists()


def test_encryption_key_of_a_backup_server(node: Any) -> None:
    section: dict[str, Any] = {"type": "pbs"}
    returned = hooks.added("pbs", section, {"password": "p", "encryption-key": "autogen"})
    assert returned and '"data"' in returned["encryption-key"]
    assert section["encryption-key"] in returned["encryption-key"]
    assert (node.pve / "priv/storage/pbs.pw").read_text() == "p\n"
    with pytest.raises(Failure, match="JSON formatted encryption key"):
        hooks.added("pbs", section, {"encryption-key": "nonsense"})


def test_esxi_needs_a_password(node: Any) -> None:
    with pytest.raises(Failure, match="missing password"):
        hooks.added("esx", {"type": "esxi"}, {})
