"""Calendar events are the same in both products (proxmox-time)."""

from __future__ import annotations

from pvestandin.calendar import CalendarEvent, parse

__all__ = ["CalendarEvent", "parse"]
