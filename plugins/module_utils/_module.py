# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""AnsibleModule for options with secrets: also where they are misspelt or of a wrong shape, nothing shows them.

Ansible masks the values of options that it knows as secret. A password under a name with a typing error, or in a list
where a text is expected, is none of them, and would stand in the result of the failed task at -vvv and in AWX.

Into the journal of the machine, Ansible writes all options in a form (repr) in which it does not find secrets with a quote, a
backslash or several lines. What a module says of that at its beginning (no_log) does not count: the task says it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# A shorter text of a wrong shape may be anywhere, and is not masked wherever it is
_LEAST = 8

Spec = Mapping[str, Mapping[str, Any]]


class Module(AnsibleModule):
    def _load_params(self) -> None:
        super()._load_params()
        self.params["_ansible_no_log"] = True
        self.no_log_values.update(secrets(self.argument_spec, self.params))

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        kwargs.setdefault("invocation", {"module_args": shown(self.argument_spec, self.params)})
        super()._return_formatted(kwargs)


def secrets(spec: Spec, values: Mapping[str, Any]) -> Iterator[str]:
    """The texts in secret options, whatever their shape; and what stands where there should be options with secrets."""
    for name, value in values.items():
        option = _option(spec, name)
        if option.get("no_log"):
            yield from _texts(value)
        elif option.get("options"):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Mapping):
                    yield from secrets(option["options"], item)
                elif _has_secrets(option["options"]):
                    yield from (text for text in _texts(item) if len(text) >= _LEAST)


def shown(spec: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options without the values of those that there are not, and without those of a wrong shape."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        option = _option(spec, name)
        inside = option.get("options")
        if not option and not name.startswith("_ansible_"):
            result[name] = HIDDEN
        elif inside and isinstance(value, list):
            result[name] = [shown(inside, item) if isinstance(item, Mapping) else HIDDEN for item in value]
        elif inside and isinstance(value, Mapping):
            result[name] = shown(inside, value)
        elif inside and value is not None and _has_secrets(inside):
            result[name] = HIDDEN
        else:
            result[name] = value
    return result


def _option(spec: Spec, name: Any) -> Mapping[str, Any]:
    plain = str(name).replace("-", "_")
    if plain in spec:
        return spec[plain]
    return next((option for option in spec.values() if name in option.get("aliases", ())), {})


def _has_secrets(spec: Spec) -> bool:
    return any(option.get("no_log") or _has_secrets(option.get("options") or {}) for option in spec.values())


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value; a container also as the texts that Ansible makes of it."""
    if isinstance(value, Mapping):
        inside: list[Any] = list(value.values())
    elif isinstance(value, (list, tuple)):
        inside = list(value)
    else:
        if value is not None and not isinstance(value, bool) and str(value):
            yield str(value)
        return
    for one in inside:
        yield from _texts(one)
    if inside:
        yield from {str(value), json.dumps(value, default=str)}
