"""The answers that are not a success. Proxmox knows four kinds; each has a helper here."""

from __future__ import annotations


class ApiError(Exception):
    """An answer >= 400: status, sentence (no line feed at its end), and the map of parameter errors if any."""

    def __init__(self, status: int, message: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


class Failure(ApiError):
    """Proxmox's `die`: status 500 and a sentence. `code` is the exit code that a command gets from it."""

    def __init__(self, message: str, code: int = 255) -> None:
        super().__init__(500, message)
        self.code = code


def bad_parameters(errors: dict[str, str]) -> ApiError:
    """Proxmox's `raise_param_exc`."""
    return ApiError(400, "Parameter verification failed.", errors)


def forbidden(what: str) -> ApiError:
    """Proxmox's `raise_perm_exc`."""
    return ApiError(403, f"Permission check failed ({what})")


def died(error: ApiError, prefix: str = "") -> Failure:
    """What Perl makes of an error that becomes part of a sentence: its status and its map are then only text."""
    if error.status == 500:
        return Failure(prefix + error.message, getattr(error, "code", 255))
    lines = [f"{prefix}{error.status} {error.message}".rstrip("\n")]
    return Failure("\n".join([*lines, *(f"{name}: {text}" for name, text in (error.errors or {}).items())]))


def unauthorized(message: str) -> ApiError:
    return ApiError(401, message)


def not_implemented(method: str, path: str) -> ApiError:
    return ApiError(501, f"Method '{method} {path}' not implemented")
