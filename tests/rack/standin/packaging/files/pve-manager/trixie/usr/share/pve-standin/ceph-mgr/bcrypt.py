"""bcrypt for Debian 13's ceph-mgr, on libcrypt.

Every manager module of Ceph imports bcrypt. Debian's is built with a PyO3 that refuses the sub-interpreters in which
ceph-mgr runs its modules, so that not one of them starts. Of the rack, not of Proxmox.
"""

import ctypes
import hmac

_LIBCRYPT = ctypes.CDLL("libcrypt.so.1")
_LIBCRYPT.crypt.restype = ctypes.c_char_p
_LIBCRYPT.crypt_gensalt.restype = ctypes.c_char_p
_LIBCRYPT.crypt_gensalt.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]


def gensalt(rounds: int = 12, prefix: bytes = b"2b") -> bytes:
    return _LIBCRYPT.crypt_gensalt(b"$" + prefix + b"$", rounds, None, 0)


def hashpw(password: bytes, salt: bytes) -> bytes:
    return _LIBCRYPT.crypt(password, salt)


def checkpw(password: bytes, hashed_password: bytes) -> bool:
    return hmac.compare_digest(hashpw(password, hashed_password), hashed_password)
