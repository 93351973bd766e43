"""What the handlers of all section configs have in common: list, create, read, update, delete of one kind of item.

The differences between the handlers of PBS are few: who may, what the refusals call the thing, which values an empty
text removes, and what happens beside the file. Each is a field of Kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pvestandin.registry import Context

from . import files
from .errors import bad_parameter, not_found
from .sections import Section, SectionFile, Sections

May = Callable[[Context, Section], None]
"""Raises when a caller may not do it with an item."""


def _anybody(_ctx: Context, _item: Section) -> None:
    """The endpoint's own permission was enough."""


@dataclass(frozen=True)
class Kind:
    file: SectionFile
    type: str
    key: str
    """The parameter that names the item: id, name."""
    title: str
    """What refusals call it: job, datastore, remote."""
    deletes_quietly: bool = True
    """Deleting what is not there is 404 in its own words; otherwise it is looked up first, and that is 400."""
    hidden: tuple[str, ...] = ()
    """Properties that no answer shows."""
    may_see: Callable[[Context, Section], bool] = lambda ctx, item: True
    may_read: May = _anybody
    may_write: May = _anybody

    def shown(self, name: str, data: Section) -> Section:
        return {self.key: name, **{key: value for key, value in data.items() if key not in self.hidden}}

    def listing(self, ctx: Context) -> list[Section]:
        found = self.file.read()
        ctx.attributes["digest"] = found.digest
        items = [{self.key: name, **data} for name, data in found.all(self.type).items()]
        return [self.shown(item.pop(self.key), item) for item in items if self.may_see(ctx, dict(item))]

    def read(self, ctx: Context, name: str) -> Section:
        found = self.file.read()
        data = found.get(self.type, name)
        self.may_read(ctx, {self.key: name, **data})
        ctx.attributes["digest"] = found.digest
        return self.shown(name, data)

    def check_new(self, found: Sections, name: str) -> None:
        if name in found.items:
            raise bad_parameter(self.key, f"{self.title} '{name}' already exists.")

    def create(self, ctx: Context, params: Section) -> None:
        """Add an item with the given properties."""
        data = dict(params)
        name = data.pop(self.key)
        self.may_write(ctx, params)
        with files.lock(self.file.lock):
            found = self.file.read()
            self.check_new(found, name)
            found.set(self.type, name, data)
            self.file.write(found)

    def update(
        self, ctx: Context, params: Section, adjust: Callable[[Section, Section], None] | None = None
    ) -> tuple[Section, Section]:
        """Change an item: first what `delete` names goes, then what is given is set. Returns it before and after.

        adjust(before, after) may change or refuse what is to be written.
        """
        changes = dict(params)
        name, delete, digest = changes.pop(self.key), changes.pop("delete", None), changes.pop("digest", None)
        with files.lock(self.file.lock):
            found = self.file.read()
            files.check_digest(digest, found.digest)
            before = found.get(self.type, name)
            self.may_write(ctx, {self.key: name, **before})
            after = {key: value for key, value in before.items() if key not in (delete or [])}
            after.update(changes)
            if "comment" in changes:
                after["comment"] = changes["comment"].strip() or None
            if adjust:
                adjust(before, after)
            self.may_write(ctx, {self.key: name, **after})
            found.set(self.type, name, after)
            self.file.write(found)
        return before, after

    def delete(self, ctx: Context, name: str, digest: str | None = None) -> Section:
        """Remove an item and return what it was."""
        with files.lock(self.file.lock):
            found = self.file.read()
            if name in found.items or not self.deletes_quietly:
                self.may_write(ctx, {self.key: name, **found.get(self.type, name)})
            files.check_digest(digest, found.digest)
            if name not in found.items:
                raise not_found(f"{self.title} '{name}' does not exist.")
            data = found.get(self.type, name)
            del found.items[name]
            self.file.write(found)
        return data
