# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The one flow of every resource module: read, plan, apply, read again. Check mode stops after plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.validation import check_type_dict
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors
from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api, said
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC, Client, asking
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    AuthError,
    ConnectionLost,
    InputError,
    NotInstalled,
    ProxmoxError,
    TaskError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Item, Resource, Version
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import (
    Change,
    Present,
    Wanted,
    outcome,
    read_present,
    read_wanted,
    refuse,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._module import Module
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Repeated, option_name
from ansible_collections.baremetal.proxmox.plugins.module_utils._plan import Planner

STATES = ("merged", "replaced", "overridden", "deleted", "gathered")

# A concurrent edit costs one attempt; so many in a row mean that something else is wrong.
_ATTEMPTS = 8


class _Module(Module):
    """Remembers which keys of each item the user wrote: Ansible fills in None for all others.

    Proxmox's own spelling of a key (C(prune-backups)) becomes the option's, unless the item has both.
    """

    given: list[set[str]]

    def _load_params(self) -> None:
        super()._load_params()
        config = self.params.get("config")
        spec = self.argument_spec["config"]
        if isinstance(config, list) and spec.get("elements") == "dict":
            self.params["config"] = [as_dict(item) for item in config]
        elif spec["type"] == "dict":
            self.params["config"] = as_dict(config)
        self.given = written(self.params.get("config"))


def written(config: Any) -> list[set[str]]:
    """The keys of each item as the user wrote them; the items themselves are put into a form that Ansible takes."""
    config = [config] if isinstance(config, dict) else config
    items = [item if isinstance(item, dict) else {} for item in config] if isinstance(config, list) else []
    for item in items:
        for name in [name for name in item if isinstance(name, str) and option_name(name) not in item]:
            item[option_name(name)] = item.pop(name)
    given = [set(item) for item in items]
    # Ansible refuses null where there are choices; left out, it comes back as None
    for item in items:
        for name in [name for name, value in item.items() if value is None]:
            del item[name]
    return given


def as_dict(value: Any) -> Any:
    """What Ansible would make of a text where it expects a dict, and other values as they are."""
    try:
        return check_type_dict(value) if isinstance(value, str) else value
    except TypeError:  # which Ansible words itself
        return value


class ResourceModule:
    """A whole module: C(ResourceModule(table).run()).

    C(ceph) opens the monitors for a resource of Ceph, which is then only there where they are; C(connection): the
    options that say which API is asked, empty for a module that only works on a node.
    """

    def __init__(
        self,
        resource: Resource,
        connect: Callable[[AnsibleModule], Client] = Client.from_module,
        ceph: Callable[[AnsibleModule], Any] | None = None,
        connection: Mapping[str, dict[str, Any]] | None = None,
    ) -> None:
        self.resource = resource
        self.connect = connect
        self.ceph = ceph
        self.connection = CONNECTION_SPEC if connection is None else connection

    def argument_spec(self) -> dict[str, Any]:
        allow = {"allow_remove": {"type": "list", "elements": "str", "default": []}} if self.resource.guarded else {}
        shape = {"type": "dict"} if self.resource.single else {"type": "list", "elements": "dict"}
        listed = self.resource.field(self.resource.listed).spec() if self.resource.listed else None
        return {
            "config": listed or {**shape, "options": self.resource.spec()},
            "state": {"type": "str", "choices": list(STATES), "default": "merged"},
            **allow,
            **{name: dict(spec) for name, spec in self.resource.words.items()},
            **self.connection,
        }

    def run(self) -> None:
        module = _Module(
            argument_spec=self.argument_spec(),
            supports_check_mode=True,
            no_log=True,
            required_if=[("state", state, ["config"]) for state in self._needing_config()],
        )
        _errors.run(module, self._main)

    def _needing_config(self) -> list[str]:
        without = {"gathered", "deleted"} if self.resource.single and not self.resource.listed else {"gathered"}
        return [state for state in STATES if state not in without]

    def _main(self, module: _Module) -> dict[str, Any]:
        state = module.params["state"]
        if state in ("replaced", "overridden") and module.params["config"] is None:
            # Ansible takes null for given; all lines below a name in YAML taken out or commented leave just that
            empty = "{}" if self.resource.single and not self.resource.listed else "[]"
            hint = f"{empty} says that there shall be nothing."
            raise InputError(
                f"config: expected what there shall be, found null. With {state}, that could remove all.", hint=hint
            )
        config = module.params["config"] or []
        if self.resource.listed:
            # a list that is not given is not the empty one
            names = set() if module.params["config"] is None else {self.resource.listed}
            config, module.given = [{self.resource.listed: config}], [names]
        elif self.resource.single:
            # without any of its settings is all that "deleted" can mean for what is always there
            state, config = ("replaced", {}) if state == "deleted" else (state, config or {})
            config, module.given = [config], (module.given if config else [set()])
        wanted, problems = read_wanted(self.resource, config, module.given, state)
        refuse(problems)
        # Ansible may start the module again under another Python for this, so it comes first
        open_ceph = None if module.params.get("api_host") else self.ceph
        ceph = open_ceph(module) if open_ceph else None
        api = Api(self.connect(module), ceph, on_ceph=open_ceph is not None)
        api.user = asking(module.params)
        api.host = module.params.get("api_host")
        api.password = module.params.get("api_password")
        api.words = {name: module.params[name] for name in self.resource.words}
        try:
            return Run(self.resource, module, api).result(state, wanted)
        finally:
            api.close()


class Run:
    """One execution against one API."""

    def __init__(self, resource: Resource, module: AnsibleModule, api: Api) -> None:
        self.resource = resource
        self.module = module
        self.api = api
        self.done: list[Change] = []

    def result(self, state: str, wanted: Sequence[Wanted]) -> dict[str, Any]:
        if not self.api.installed and not self.module.check_mode:
            raise _missing(self.api)
        if (refusal := self._not_in_this_version()) and state != "gathered":
            raise InputError(refusal)
        present = {} if refusal else self._read()
        if self.api.installed and state != "deleted" and not refusal:
            wanted = self.resource.settle(self.api, wanted)
        self._hide(wanted, present)
        if state in ("gathered", "overridden"):
            for key in sorted(key for key, one in present.items() if not one.known(self.resource)):
                text = f"{self.resource.name} '{key}' is of a type unknown to this collection; it is left out."
                self.module.warn(text)
        if state == "gathered":
            keys = {item.key for item in wanted} or {one.key for one in self._own(present)}
            found = self.listing(one for one in present.values() if one.key in keys)
            return {"changed": False, "gathered": self._shown(found)}
        self.planner = Planner(self.resource, state, self.version, self.module.params.get("allow_remove") or ())
        changes = self.planner.plan(wanted, present)
        if self.api.installed and changes:
            self._ask(changes)
        after = self.predict(changes, present)
        if changes and not self.module.check_mode:
            self._apply(wanted, changes)
            after = self._read()
            self._hide(wanted, after)
            self.compare(wanted, after)
        return {
            "changed": bool(changes),
            "before": self._shown(self.listing(self._own(present))),
            "after": self._shown(self.listing(self._own(after))),
            "changes": [change.summary() for change in changes],
            "diff": self.diff(changes),
            **self.api.told,
        }

    def _own(self, present: Mapping[str, Present]) -> list[Present]:
        return [one for one in present.values() if not self.resource.built_in(one.raw)]

    def _read(self) -> dict[str, Present]:
        if not self.api.installed:
            fresh = f"a new {self.api.product}" if self.api.on_ceph else "a fresh installation"
            verb = "set up" if self.api.on_ceph else "installed"
            text = (
                f"{self.api.product} is not {verb} here yet: planned against what {fresh} has for {self.resource.name}."
            )
            self.module.warn(text)
            rows: Any = [self.resource.alone({})] if self.resource.single else self.resource.fresh
        else:
            rows = self.resource.rows(self.api)
        return read_present(self.resource, rows)

    def _shown(self, items: list[Item]) -> Any:
        if self.resource.listed:
            return (items or [{}])[0].get(self.resource.listed, [])
        return (items or [{}])[0] if self.resource.single else items

    def _not_in_this_version(self) -> str | None:
        resource = self.resource
        version = self.version() if resource.since or resource.until else None
        if version is None or resource.known_in(version):
            return None
        line = ".".join(map(str, version[:2]))
        instead = f"; use {resource.instead}" if resource.instead else ""
        return f"{resource.name}: {resource.product} {line} has no such thing{instead}. Nothing was changed."

    def _hide(self, wanted: Sequence[Wanted], present: Mapping[str, Present]) -> None:
        """What the user gave as a secret is shown nowhere, though the API may tell it."""
        for one in (one for one in self.resource.fields if one.hides):
            for item in wanted:
                if item.values.get(one.option) is not None and item.key in present:
                    present[item.key].values.pop(self.resource.field(str(one.hides)).option, None)

    def _ask(self, changes: Sequence[Change]) -> None:
        for sentence in self.resource.advise(self.api.get, changes):
            self.module.warn(sentence)
        problems = []
        for sentence, certain in self.resource.objections(self.api, changes):
            if certain or not self.module.check_mode:
                problems.append(sentence)
            else:
                self.module.warn(f"{sentence} It is refused where that is still so when it is done.")
        refuse(problems)

    def version(self) -> Version | None:
        if self.api.client.installed:
            return self.api.client.version
        return self.api.client.product.on_debian.get(_debian_release())

    def listing(self, items: Iterable[Present]) -> list[Item]:
        return [one.config(self.resource) for one in sorted(items, key=lambda one: one.key) if one.known(self.resource)]

    def predict(self, changes: list[Change], present: Mapping[str, Present]) -> dict[str, Present]:
        result = dict(present)
        unseen = {one.option for one in self.resource.fields if one.secret or one.transient or one.once}
        for change in changes:
            head = set(self.resource.head(change.key, None))
            after = outcome(self.resource, change)[1]
            if not after:
                del result[change.key]
                continue
            label = after[self.resource.discriminator.option] if self.resource.discriminator else None
            values = {name: value for name, value in after.items() if name not in unseen | head}
            result[change.key] = Present(change.key, label, values, change.present.raw if change.present else {})
        return result

    def diff(self, changes: list[Change]) -> dict[str, Any]:
        before: dict[str, Item] = {}
        after: dict[str, Item] = {}
        for change in changes:
            old, new = outcome(self.resource, change)
            before.update({change.key: old} if old else {})
            after.update({change.key: new} if new else {})
        return {
            "before": before,
            "after": after,
            "before_header": self.resource.path,
            "after_header": self.resource.path,
        }

    def _apply(self, wanted: Sequence[Wanted], changes: list[Change]) -> None:
        self.resource.ready(self.api, changes)
        if self.resource.together:
            self._all_at_once(wanted, changes)
            return
        for change in changes:
            self.make(change)

    def make(self, change: Change) -> None:
        try:
            if change.action == "recreate":
                self._recreate(change)
            else:
                self._converge(change)
        except ProxmoxError as error:
            self._word(error, change)
            raise
        self.done.append(change)

    def _all_at_once(self, wanted: Sequence[Wanted], changes: list[Change]) -> None:
        together = self.resource.together
        for attempt in range(_ATTEMPTS if together else 0):
            try:
                together(self.api, changes)
                return
            except ConnectionLost as error:
                if not error.maybe_done or attempt == _ATTEMPTS - 1:
                    raise
                self.api.finish(self.resource.workers)
                changes = self.planner.plan(wanted, self._read())
                if not changes:
                    return
            except (TaskError, Timeout) as error:
                if self.planner.plan(wanted, self._read()) != changes:
                    error.fields["changed"] = True
                error.message = f"{self.resource.name}: {error.message}{_log(error)}"
                raise

    def _word(self, error: ProxmoxError, change: Change) -> None:
        """Says which item it was, why, what to do, and what has been done already."""
        error.message = f"{self.resource.name} '{change.key}': {error.message}{_log(error)}"
        if (reason := said(error)) and (advice := self._explain(change, reason)):
            error.hint = f"{advice} {error.hint or ''}".strip()
        if self.done:
            error.fields["changed"] = True
            error.fields["changes"] = [one.summary() for one in self.done]
        error.fields.update(self.api.told)

    def _explain(self, change: Change, reason: str) -> str | None:
        before, after = outcome(self.resource, change)
        return self.resource.explain(after or before, reason)

    def _recreate(self, change: Change) -> None:
        self._converge(Change("delete", change.key, None, change.present))
        try:
            self._converge(Change("create", change.key, change.wanted, None, change.to_set))
        except ProxmoxError as error:
            error.fields["changed"] = True
            error.hint = "The old definition is removed already; repair the cause and run again."
            raise

    def _converge(self, first: Change) -> None:
        """Makes one change. After a lost answer or a refusal it reads again, and goes on from what it finds."""
        change: Change | None = first
        stale = first.action == "update" and self.done and first.present and first.present.raw.get("digest")
        if stale or (first.action == "create" and self.resource.overwrites):
            # every write of ours has changed the digest; and what somebody else has made must not be reset
            change = self._again(first)
        for attempt in range(_ATTEMPTS):
            if change is None:
                return
            before = self.api.writes
            try:
                self._write(change)
            except (TaskError, Timeout) as error:
                # half of it may have been done, and no repetition makes that better
                if self.api.writes > before or self._again(first) != change:
                    error.fields["changed"] = True
                raise
            except (AuthError, InputError, NotInstalled):
                raise
            except ProxmoxError as error:
                lost = getattr(error, "maybe_done", False) or getattr(error, "transient", False)
                if lost:
                    self.api.finish(self.resource.workers)
                anew = self._again(first)
                if anew is None:
                    return
                if not (lost or _moved(change, anew)) or attempt == _ATTEMPTS - 1:
                    if self.api.writes > before:
                        error.fields["changed"] = True
                    raise
                change = anew
            else:
                return

    def _again(self, change: Change) -> Change | None:
        """The same change, planned against what exists now; None when there is nothing left to do."""
        present = read_present(self.resource, self.resource.rows(self.api, change.key)).get(change.key)
        if change.action == "delete":
            if present is None:
                return None
            return replace(change, present=present) if self.resource.read else change
        return self.planner.replan(change.goal, present)

    def _write(self, change: Change) -> None:
        resource = self.resource
        collection, key = resource.place(change.key)
        form = {name: resource.field(name).kind.write(value) for name, value in change.to_set.items()}
        named, key = key, quote(key, safe="@!:,")
        if resource.write:
            resource.write(self.api, change, form)
        elif change.action == "delete":
            self.api.delete(f"{collection}/{key}")
        elif change.action == "create":
            head = {resource.key.name: named}
            if resource.discriminator and not resource.paths:
                head[resource.discriminator.name] = str(change.goal.label)
            if resource.placed:
                head.pop(resource.key.name)
                collection = f"{collection}/{key}"
            self.api.post(collection, **head, **form)
        else:
            along = {resource.field(name).along for name in change.to_set} | set(resource.resend)
            for other in along - {None, *form}:
                one = resource.field(str(other))
                if change.present and one.option in change.present.values:
                    form[one.name] = one.kind.write(change.present.values[one.option])
            for one in (one for one in resource.fields if one.transient):
                if change.goal.values.get(one.option) is not None:
                    form[one.name] = one.kind.write(change.goal.values[one.option])
            if change.to_unset and resource.clears:
                form |= dict.fromkeys(change.to_unset, "")
            elif change.to_unset:
                away = sorted(change.to_unset)
                form["delete"] = Repeated(away) if resource.delete_each else away
            if resource.retype and resource.discriminator and change.present:
                form[resource.discriminator.name] = str(change.present.label)
            if change.present and (digest := change.present.raw.get("digest")):
                form["digest"] = digest
            self.api.put(f"{collection}/{key}" if key else collection, **form)

    def compare(self, wanted: list[Wanted], present: Mapping[str, Present]) -> None:
        """Says so when Proxmox took a value and made something else of it."""
        for item in wanted:
            if rest := self.planner.leftover(item, present.get(item.key)):
                self.module.warn(f"{item.where}: after the change Proxmox still shows something else: {rest}")


def _moved(old: Change, new: Change) -> bool:
    """Whether somebody else changed the item (or the file it is in) since the plan was made."""
    if old.action != new.action or (old.present is None) != (new.present is None):
        return True
    if old.present is None or new.present is None:
        return False
    return old.present.raw.get("digest") != new.present.raw.get("digest")


def _log(error: ProxmoxError) -> str:
    return f"; its log: {said(error)}" if isinstance(error, TaskError) and error.log_tail else ""


def _missing(api: Api) -> NotInstalled:
    if not api.on_ceph:
        hint = f"Install it first (role {api.client.product.role}), or name an API with api_host."
        return NotInstalled(f"{api.product} is not installed on this machine.", hint=hint)
    return NotInstalled(
        f"{api.product} is not set up on this machine, or has no monitor yet.",
        hint="Set it up first (role pve_ceph), or run this on a node that has it.",
    )


def _debian_release() -> str:
    with open("/etc/os-release", encoding="utf-8") as file:
        values = dict(line.strip().split("=", 1) for line in file if "=" in line)
    return values.get("VERSION_ID", "").strip('"')
