#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: metric_server
short_description: Metric servers of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes servers to which Proxmox sends its figures, a whole list of them in one call.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Proxmox connects to a server before it writes, so that it has to be there, unless O(config[].disable) is set.
    Datagrams need none.
options:
  config:
    description:
      - The servers, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: Name of the server.
        type: str
        required: true
      type:
        description: What it is. V(opentelemetry) is known from Proxmox VE 9 on. Fixed when it is created.
        type: str
        choices: [graphite, influxdb, opentelemetry]
      server:
        description: Its address or name.
        type: str
      port:
        description: Its port.
        type: int
      disable:
        description: Whether nothing is sent.
        type: bool
      mtu:
        description: Size of datagrams.
        type: int
      timeout:
        description: Seconds to wait for it.
        type: int
      path:
        description: What the names begin with, for V(graphite).
        type: str
      proto:
        description: How V(graphite) gets the figures.
        type: str
        choices: [udp, tcp]
      influxdbproto:
        description: How V(influxdb) gets the figures.
        type: str
        choices: [udp, http, https]
      organization:
        description: Organisation of InfluxDB 2.
        type: str
      bucket:
        description: Bucket or database of InfluxDB.
        type: str
      token:
        description: Token for InfluxDB. It cannot be read back.
        type: str
      api_path_prefix:
        description: What the path of InfluxDB's API begins with.
        type: str
      max_body_size:
        description: Bytes of a request to InfluxDB.
        type: int
      verify_certificate:
        description: Whether InfluxDB's certificate is checked.
        type: bool
      otel_protocol:
        description: How V(opentelemetry) gets the figures.
        type: str
        choices: [http, https]
      otel_path:
        description: Path of the receiver.
        type: str
      otel_timeout:
        description: Seconds to wait for it.
        type: int
      otel_headers:
        description: Headers of the requests, names and values. They count as secret.
        type: dict
      otel_verify_ssl:
        description: Whether its certificate is checked.
        type: bool
      otel_max_body_size:
        description: Bytes of a request.
        type: int
      otel_resource_attributes:
        description: Attributes of all figures, names and values.
        type: dict
      otel_compression:
        description: How requests are compressed.
        type: str
        choices: [none, gzip]
      recreate:
        description: Whether it is deleted and made anew where a change needs that.
        type: bool
        default: false
      update_password:
        description:
          - When secrets are written. With V(on_create) only when they are not set yet, because what is set cannot be
            compared.
          - With V(always) each run writes them, and says that something was changed.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: An InfluxDB and a Graphite
  baremetal.proxmox.metric_server:
    config:
      - id: influx
        type: influxdb
        server: influx.example.org
        port: 8086
        influxdbproto: https
        organization: rack
        bucket: proxmox
        token: "{{ vault_influx_token }}"
      - {id: graphite, type: graphite, server: 10.0.0.9, port: 2003}
  run_once: true
"""

RETURN = r"""
before:
  description: All servers before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All servers after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: graphite, type: graphite, server: 10.0.0.9, port: 2003}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: graphite, set: [port, server]}]
gathered:
  description: The servers that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: graphite, type: graphite, server: 10.0.0.9, port: 2003}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._metric_server import METRIC_SERVER


def main() -> None:
    ResourceModule(METRIC_SERVER).run()


if __name__ == "__main__":
    main()
