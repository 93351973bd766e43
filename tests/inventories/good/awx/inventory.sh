#!/bin/sh
# As AWX gives an inventory to a job: a script that prints everything, with variables of its own on each host.
cat <<END
{"all": {"children": ["ungrouped", "pve"], "vars": {"awx_inventory_name": "rack"}},
 "pve": {"hosts": ["pve1", "pve2", "pve3"], "vars": {"pve_cluster_name": "awx"}},
 "_meta": {"hostvars": {
   "pve1": {"ansible_host": "192.0.2.11", "remote_tower_enabled": "true", "remote_tower_id": 11},
   "pve2": {"ansible_host": "192.0.2.12", "remote_tower_enabled": "true", "remote_tower_id": 12},
   "pve3": {"ansible_host": "192.0.2.13", "remote_tower_enabled": "true", "remote_tower_id": 13}}}}
END
