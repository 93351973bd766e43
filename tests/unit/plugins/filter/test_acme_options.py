# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.proxmox.plugins.filter.acme_options import acme_options
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import SLOTS


def test_domains_take_their_places_and_the_others_are_taken_away():
    found = acme_options([{"domain": "a.example", "plugin": "cf", "alias": None}, {"domain": "b.example"}], "internal")
    assert found == {
        **dict.fromkeys(SLOTS),
        "acme": {"account": "internal"},
        "acmedomain0": {"domain": "a.example", "plugin": "cf"},
        "acmedomain1": {"domain": "b.example"},
    }


def test_without_domains_nothing_is_left():
    assert acme_options([]) == {"acme": None, **dict.fromkeys(SLOTS)}


def test_more_than_there_are_places():
    with pytest.raises(AnsibleFilterError, match="expected 6 at most, found 7"):
        acme_options([{"domain": f"{number}.example"} for number in range(7)])
