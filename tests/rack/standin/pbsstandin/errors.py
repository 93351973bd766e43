"""Refusals in the form of Proxmox Backup Server's API (proxmox-rest-server, formatter.rs).

An error is its sentence and status 400; only some carry another status. Whatever a shared part of the stand-in
raises with 500 goes out with 400, too.
"""

from __future__ import annotations

from pvestandin.errors import ApiError


def refused(message: str) -> ApiError:
    """What an error without a status of its own becomes."""
    return ApiError(400, message)


def not_found(message: str) -> ApiError:
    return ApiError(404, message)


def forbidden(message: str = "permission check failed") -> ApiError:
    return ApiError(403, message)


def unauthorized(message: str) -> ApiError:
    return ApiError(401, f"authentication failed - {message}")


class ParameterError(ApiError):
    """Wrong parameters, each with its sentence. One stands in the line itself, more are a list (proxmox-schema)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        if len(problems) == 1:
            message = f"parameter verification failed - '{problems[0][0]}': {problems[0][1]}"
        else:
            message = "parameter verification failed:\n" + "\n".join(f"- '{name}': {text}" for name, text in problems)
        super().__init__(400, message, dict(problems))


def bad_parameter(name: str, message: str) -> ParameterError:
    return ParameterError([(name, message)])
