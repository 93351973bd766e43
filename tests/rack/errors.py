"""The one error that the rack reports to a person."""

from __future__ import annotations


class RackError(Exception):
    """A refusal or failure; its text says what was found and what to do."""
