#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage
short_description: Storage definitions of a Proxmox VE cluster
version_added: 0.1.0
description:
  - Creates, changes and removes storage definitions, a whole list of them in one call.
  - A definition says where a storage is and what it is used for. Removing one never removes data; the data, the exports,
    volume groups and pools that a definition points at are left as they are. What goes with a definition are the
    secrets that Proxmox keeps for it.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Proxmox tries to reach NFS, CIFS, iSCSI and PBS servers when a definition is created, unless it is disabled or
    limited to other nodes. When the server does not answer, the definition is not created.
  - With O(state=overridden), what Proxmox's installer defined besides C(local), such as C(local-lvm) or C(local-zfs),
    goes like everything else that is not listed.
  - The storage C(local) always exists. It is never removed, is on every node, and its path is C(/var/lib/vz).
options:
  config:
    description:
      - The definitions. Which settings a definition takes depends on its O(config[].type).
      - The names are Proxmox's own with C(_) for C(-); the form with C(-) is taken as well.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      storage:
        description: Identifier of the storage.
        type: str
        required: true
      type:
        description:
          - Type of the storage. Needed to create it; cannot be changed afterwards.
          - V(glusterfs) exists up to Proxmox VE 8.
        type: str
        choices: [btrfs, cephfs, cifs, dir, esxi, glusterfs, iscsi, iscsidirect, lvm, lvmthin, nfs, pbs, rbd, zfs, zfspool]
      content:
        description:
          - What may be stored there. The order means nothing.
          - Each type takes only some of V(images) (disks of virtual machines), V(rootdir) (volumes of containers),
            V(vztmpl) (container templates), V(iso), V(backup), V(snippets), V(import) and V(none).
        type: list
        elements: str
        choices: [images, rootdir, vztmpl, iso, backup, snippets, import, none]
      nodes:
        description: Nodes that have this storage. The order means nothing. Not set, or empty, is all nodes.
        type: list
        elements: str
      disable:
        description: Define the storage without using it.
        type: bool
      shared:
        description:
          - Whether all nodes find the same content under this definition. It shares nothing by itself.
          - For O(config[].type=btrfs), V(dir), V(esxi) and V(lvm). Network storages are always shared.
        type: bool
      path:
        description:
          - Directory of O(config[].type=dir) and V(btrfs).
          - For V(cephfs), V(cifs), V(glusterfs) and V(nfs) the mount point; Proxmox takes C(/mnt/pve/STORAGE).
        type: str
      server:
        description: Address or name of the server.
        type: str
      server2:
        description: Second server of O(config[].type=glusterfs).
        type: str
      volume:
        description: Volume of O(config[].type=glusterfs).
        type: str
      transport:
        description: Transport of O(config[].type=glusterfs).
        type: str
        choices: [tcp, rdma, unix]
      export:
        description: Path that the NFS server exports.
        type: str
      share:
        description: Name of the CIFS share.
        type: str
      subdir:
        description: Directory below the share or the file system that is mounted instead of its root.
        type: str
      options:
        description: Mount options, as a comma-separated string.
        type: str
      domain:
        description: CIFS domain.
        type: str
      smbversion:
        description: Version of the SMB protocol.
        type: str
        choices: ['default', '2.0', '2.1', '3', '3.0', '3.11']
      username:
        description: User at the server; for O(config[].type=cephfs) and V(rbd) the Ceph user without C(client.).
        type: str
      password:
        description: Password at the server of O(config[].type=cifs), V(esxi) and V(pbs).
        type: str
      portal:
        description: iSCSI portal, an address or name, with a port if need be.
        type: str
      target:
        description: iSCSI target.
        type: str
      vgname:
        description: LVM volume group.
        type: str
      thinpool:
        description: LVM thin pool in O(config[].vgname).
        type: str
      base:
        description:
          - Volume on an iSCSI storage, on which Proxmox makes the volume group of O(config[].type=lvm).
          - What is on that volume is lost when the definition is created and the volume group does not exist yet.
        type: str
      saferemove:
        description: Overwrite logical volumes with zeros when they are removed.
        type: bool
      saferemove_stepsize:
        description: Size of the steps of O(config[].saferemove) in MiB. Since Proxmox VE 9.
        type: int
        choices: [1, 2, 4, 8, 16, 32]
      saferemove_throughput:
        description: Limit of O(config[].saferemove), as C(cstream -t) takes it.
        type: str
      tagged_only:
        description: Show only logical volumes with a C(pve-vm-ID) tag.
        type: bool
      pool:
        description: ZFS pool or dataset, or Ceph pool.
        type: str
      data_pool:
        description: Ceph pool for the data, when O(config[].pool) only has the metadata (erasure coding).
        type: str
      namespace:
        description: Namespace of the Ceph pool or of the PBS datastore.
        type: str
      monhost:
        description:
          - Monitors of a Ceph cluster that is not this one. The order means nothing.
        type: list
        elements: str
      krbd:
        description: Use the kernel's RBD driver, also for virtual machines.
        type: bool
      keyring:
        description: Keyring of O(config[].username), the contents of the file.
        type: str
      fuse:
        description: Mount CephFS through FUSE.
        type: bool
      fs_name:
        description: Name of the CephFS.
        type: str
      blocksize:
        description: Block size of new ZFS volumes, a power of two such as V(16k).
        type: str
      sparse:
        description: Make thin volumes.
        type: bool
      mountpoint:
        description: Where the dataset of O(config[].type=zfspool) is mounted. Proxmox asks ZFS when it is not given.
        type: str
      iscsiprovider:
        description: iSCSI target software of O(config[].type=zfs), one of V(comstar), V(istgt), V(iet), V(LIO).
        type: str
        choices: [comstar, istgt, iet, LIO]
      nowritecache:
        description: Turn the write cache of the target off.
        type: bool
      comstar_hg:
        description: Host group for COMSTAR views.
        type: str
      comstar_tg:
        description: Target group for COMSTAR views.
        type: str
      lio_tpg:
        description: Target portal group for LIO.
        type: str
      zfs_base_path:
        description: Where the block devices are on the server. Proxmox finds out when it is not given. Since Proxmox VE 9.
        type: str
      datastore:
        description: Datastore of the Proxmox Backup Server.
        type: str
      fingerprint:
        description: SHA-256 fingerprint of the certificate of the Proxmox Backup Server.
        type: str
      port:
        description: Port of the server, where it is not the usual one.
        type: int
      encryption_key:
        description:
          - Key with which backups are encrypted before they leave the node, the JSON text of the key file; or
            V(autogen), which makes one where there is none.
          - Without this key the backups cannot be read. Proxmox keeps it in C(/etc/pve/priv/storage); store a copy
            elsewhere. A definition that has one is removed only by O(state=deleted).
        type: jsonarg
      master_pubkey:
        description: Public RSA key (base64 of its PEM text) that a copy of the encryption key is encrypted with.
        type: str
      skip_cert_verification:
        description: Do not verify the certificate of the ESXi host.
        type: bool
      prune_backups:
        description:
          - How many backups are kept, as a dict or as Proxmox's string (C(keep-daily=7,keep-weekly=4)).
          - The keys are C(keep_all), C(keep_last), C(keep_hourly), C(keep_daily), C(keep_weekly), C(keep_monthly) and
            C(keep_yearly).
        type: dict
      max_protected_backups:
        description: Greatest number of protected backups of one guest, V(-1) for any number.
        type: int
      maxfiles:
        description: Old form of O(config[].prune_backups), up to Proxmox VE 8. Written as C(keep_last).
        type: int
      content_dirs:
        description: Directories per content type below the root of the storage, as a dict or as Proxmox's string.
        type: dict
      bwlimit:
        description:
          - Bandwidth limits in KiB/s, as a dict or as Proxmox's string.
          - The keys are C(default), C(clone), C(migration), C(move) and C(restore).
        type: dict
      format:
        description: Image format for new disks.
        type: str
        choices: [raw, qcow2, subvol, vmdk]
      preallocation:
        description: How space for new raw and qcow2 images is allocated.
        type: str
        choices: ['off', metadata, falloc, full]
      snapshot_as_volume_chain:
        description:
          - Snapshots as chains of volumes. Since Proxmox VE 9.
          - Can be changed afterwards for O(config[].type=lvm) only.
        type: bool
      is_mountpoint:
        description: V(yes), or the directory that has to be mounted for the storage to be online. V(no) is the default.
        type: str
      mkdir:
        description: Make the directory and its subdirectories. Proxmox advises the two settings below instead.
        type: bool
      create_base_path:
        description: Make the directory.
        type: bool
      create_subdirs:
        description: Make the subdirectories for the content types.
        type: bool
      nocow:
        description: Turn copy-on-write off for images on Btrfs, and their checksums with it.
        type: bool
      recreate:
        description:
          - Where a setting differs that Proxmox cannot change, delete the definition and create it anew, instead of
            an error. Stored secrets go with the old definition, so they have to be given.
        type: bool
        default: false
      update_password:
        description:
          - Secrets cannot be read back. V(on_create) writes them when the definition is created, and an encryption or
            master key also where there is none yet; V(always) writes them every time, which is then a change.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: Define the storages of a rack
  baremetal.proxmox.storage:
    config:
      - storage: local
        content: [iso, vztmpl, backup, import]
      - storage: nas
        type: nfs
        server: 10.0.10.9
        export: /srv/pve
        content: [backup, iso]
        prune_backups: {keep_daily: 7, keep_weekly: 4}
      - storage: pbs
        type: pbs
        server: 10.0.10.8
        datastore: rack1
        username: backup@pbs
        password: "{{ vault_pbs_password }}"
        fingerprint: "{{ pbs_fingerprint }}"

- name: Move an export, which Proxmox can only do by a new definition
  baremetal.proxmox.storage:
    config:
      - {storage: nas, type: nfs, server: 10.0.10.10, export: /srv/pve, recreate: true}

- name: No node restriction any more
  baremetal.proxmox.storage:
    config:
      - {storage: nas, nodes: null}

- name: Remove a definition, not its data
  baremetal.proxmox.storage:
    config:
      - storage: nas
    state: deleted

- name: Read what exists, in the form of config
  baremetal.proxmox.storage:
    state: gathered
  register: storages
"""

RETURN = r"""
before:
  description: All definitions before the call, in the form of O(config); secrets are never among them.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{storage: local, type: dir, content: [backup, iso, vztmpl], path: /var/lib/vz}]
after:
  description: All definitions after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{storage: local, type: dir, content: [backup, iso], path: /var/lib/vz}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: local, set: [content]}]
gathered:
  description: The definitions that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{storage: local, type: dir, content: [backup, iso, vztmpl], path: /var/lib/vz}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE


def main() -> None:
    ResourceModule(STORAGE).run()


if __name__ == "__main__":
    main()
