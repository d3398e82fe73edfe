"""SECRET_KEY at work: what must not be read at rest is encrypted, what must not be forged is sealed."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.embedded_postgres.accounts import account_of, give
from core.errors import InvalidInput, NotFound

SHORTEST = 32  # characters: half a bit each of human choice would be too few, two of random hex are 128 bits
_EXPIRY = struct.Struct(">d")  # Unix time in seconds
_MAC_BYTES = 32
_BAD_LINK = "This link is not valid any more. Ask for a new one."


class Secrets:
    """Encrypts and seals with the first key, decrypts and opens with any: a new key in front is a rotation.

    `read_keys` returns SECRET_KEY, one or several keys separated by commas; it is called when a key is first needed, so
    that a process which needs none runs without. Every method raises `InvalidInput` when there is no usable key.
    """

    def __init__(self, read_keys: Callable[[], str], *, clock: Callable[[], float] = time.time) -> None:
        self._read_keys = read_keys
        self._clock = clock

    @cached_property
    def _keys(self) -> tuple[bytes, ...]:
        return parse_keys(self._read_keys())

    @cached_property
    def _cipher(self) -> MultiFernet:
        return MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key, b"encrypt"))) for key in self._keys])

    def encrypt(self, plain: bytes) -> bytes:
        """Return a Fernet token (AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec)."""
        return self._cipher.encrypt(plain)

    def decrypt(self, token: bytes) -> bytes:
        """Return what was encrypted. Raises `InvalidInput`, worded for the operator, when no key fits."""
        try:
            return self._cipher.decrypt(token)
        except InvalidToken as error:
            raise _unfit() from error

    def reencrypt(self, token: bytes) -> bytes:
        """Return the same encrypted with the first key. Raises `InvalidInput` when no key fits."""
        try:
            return self._cipher.rotate(token)
        except InvalidToken as error:
            raise _unfit() from error

    def seal(self, purpose: str, payload: str, lifetime: timedelta) -> str:
        """Return a token of letters, digits, `-` and `_` for a URL; whoever holds it can read the payload.

        It can't be changed, or opened for another purpose or after its lifetime.
        """
        expiry = _EXPIRY.pack(self._clock() + lifetime.total_seconds())
        content = expiry + payload.encode()
        return _encode(_mac(self._keys[0], purpose, content) + content)

    def open(self, purpose: str, token: str) -> str:
        """Return a token's payload. Raises `NotFound` for one that is forged, expired or of another purpose."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            genuine = _encode(raw) == token  # decoding is lenient, and two tokens must not mean the same
        except ValueError:  # no base64 at all
            raise NotFound(_BAD_LINK) from None
        mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        # Every key is tried, so that the time it takes does not tell which one fits.
        fits = [hmac.compare_digest(_mac(key, purpose, content), mac) for key in self._keys]
        if not genuine or not any(fits) or len(content) < _EXPIRY.size:
            raise NotFound(_BAD_LINK)
        if _EXPIRY.unpack_from(content)[0] <= self._clock():
            raise NotFound(_BAD_LINK)
        return content[_EXPIRY.size :].decode()


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys of a SECRET_KEY, newest first. Raises `InvalidInput` for none or a short one."""
    keys = tuple(key for part in text.split(",") if (key := part.strip()))
    if not keys or any(len(key) < SHORTEST for key in keys):
        raise InvalidInput(
            f"SECRET_KEY must be at least {SHORTEST} random characters (several keys are separated by commas). "
            'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return tuple(key.encode() for key in keys)


def kept_key(home: Path) -> str:
    """Return the key in the home folder's `secret.key`, made there once. Raises `InvalidInput` if it can't be read.

    Of several processes that start at once all get the same key: the file appears whole, under a name that only one of
    them can take.
    """
    path = home / "secret.key"
    try:
        if not path.exists():
            _make_key(path)
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise InvalidInput(f"The key in {path} can't be read: {reason}.") from error


def no_key() -> str:
    """Raise `InvalidInput`: with a database of one's own the key is one's own, too."""
    raise InvalidInput(
        "Set SECRET_KEY: at least 32 random characters, the same for every process, kept as safe as the database. "
        'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
    )


def _make_key(path: Path) -> None:
    home = path.parent
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".secret-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  (a descriptor, for its mode)
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        give(draft, account_of(home))  # root's, too, belongs to whoever owns the home
        with suppress(FileExistsError):  # another process was first
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _derive(key: bytes, use: bytes) -> bytes:
    """Return 32 bytes for one use of a key of any length and form (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"homeroom " + use).derive(key)


def _mac(key: bytes, purpose: str, content: bytes) -> bytes:
    return hmac.digest(_derive(key, b"seal " + purpose.encode()), content, "sha256")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unfit() -> InvalidInput:
    return InvalidInput(
        "SECRET_KEY does not fit what is stored. Put the key it was encrypted with behind the present one, "
        "separated by a comma: SECRET_KEY=present,former."
    )
