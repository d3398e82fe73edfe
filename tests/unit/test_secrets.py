"""SECRET_KEY: what it hides and what it vouches for, rotation, and the key that is made once."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from adapters.secrets import Secrets, kept_key, no_key
from bot.bootstrap import make_secrets
from bot.settings import Settings
from core.errors import InvalidInput, NotFound

OLD, NEW = "the former key and long enough it is", "the present key and long enough it is"
HOUR = timedelta(hours=1)


def keyed(*keys: str, now: float = 1000.0) -> Secrets:
    return Secrets(lambda: ",".join(keys), clock=lambda: now)


def test_what_is_encrypted_can_be_read_with_the_key_alone() -> None:
    token = keyed(OLD).encrypt(b"xoxb-1")
    assert b"xoxb" not in token
    assert b"xoxb" not in base64.urlsafe_b64decode(token)
    assert keyed(OLD).decrypt(token) == b"xoxb-1"
    with pytest.raises(InvalidInput, match="SECRET_KEY does not fit what is stored"):
        keyed(NEW).decrypt(token)
    with pytest.raises(InvalidInput, match="SECRET_KEY does not fit what is stored"):
        keyed(NEW).reencrypt(token)


def test_a_new_key_in_front_takes_over() -> None:
    former = keyed(OLD).encrypt(b"xoxb-1")
    link = keyed(OLD).seal("page", "chunk 7", HOUR)
    both = keyed(NEW, f" {OLD} ")
    assert both.decrypt(former) == b"xoxb-1"
    assert both.open("page", link) == "chunk 7"
    # From now on the new one is used, and what was re-encrypted does without the former.
    for token in (both.encrypt(b"xoxb-1"), both.reencrypt(former)):
        assert keyed(NEW).decrypt(token) == b"xoxb-1"
    assert keyed(NEW).open("page", both.seal("page", "chunk 7", HOUR)) == "chunk 7"


@pytest.mark.parametrize("payload", ["", "x", "chunk 7", "ünïcode ✓", "x" * 2000])
def test_a_sealed_payload_comes_back_from_a_url(payload: str) -> None:
    token = keyed(OLD).seal("page", payload, HOUR)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert keyed(OLD).open("page", token) == payload


def test_a_seal_holds_for_its_purpose_and_time_alone() -> None:
    token = keyed(OLD, now=1000).seal("page", "chunk 7", HOUR)
    assert keyed(OLD, now=4599).open("page", token) == "chunk 7"
    for secrets, purpose in (
        (keyed(OLD, now=4600), "page"),
        (keyed(OLD), "install"),
        (keyed(OLD), "pag"),
        (keyed(NEW), "page"),
    ):
        with pytest.raises(NotFound, match="not valid any more"):
            secrets.open(purpose, token)


def test_no_letter_of_a_sealed_token_can_be_changed() -> None:
    token = keyed(OLD).seal("page", "chunk 7", HOUR)
    for place, letter in enumerate(token):
        forged = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        with pytest.raises(NotFound):
            keyed(OLD).open("page", forged)
    for other in ("", "A", "AAAA", token[:-1], token + "A", f"{token}=", f"{token}\n", f" {token}", "é" * 80, "%%%%"):
        with pytest.raises(NotFound):
            keyed(OLD).open("page", other)


@pytest.mark.parametrize("text", ["", " , ", "short", f"{OLD},short", "x" * 31])
def test_a_key_that_is_too_short_is_refused_when_it_is_needed(text: str) -> None:
    secrets = Secrets(lambda: text)
    with pytest.raises(InvalidInput, match="at least 32 random characters"):
        secrets.encrypt(b"x")
    with pytest.raises(InvalidInput, match="at least 32 random characters"):
        secrets.seal("page", "x", HOUR)


def test_without_a_key_the_operator_is_told_how_to_make_one() -> None:
    with pytest.raises(InvalidInput, match="Set SECRET_KEY"):
        Secrets(no_key).encrypt(b"x")


def test_several_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        keys = set(pool.map(kept_key, [home] * 12))
    assert keys == {kept_key(home)}
    assert len(keys.pop()) >= 43
    assert [path.name for path in home.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600


def test_a_process_that_comes_second_keeps_the_key_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept_key(tmp_path)
    seen = iter([False])  # it looked before the first was done
    monkeypatch.setattr(Path, "exists", lambda _: next(seen))
    assert kept_key(tmp_path) == first


def test_a_key_that_cannot_be_read_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(InvalidInput, match=r"secret.key can't be read"):
        kept_key(tmp_path)


def test_a_database_of_ones_own_wants_a_key_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.setenv("HOMEROOM_HOME", str(tmp_path / "home"))
    embedded = make_secrets(Settings())
    assert not (tmp_path / "home").exists()
    token = embedded.encrypt(b"x")
    assert make_secrets(Settings()).decrypt(token) == b"x"
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.school.test/homeroom")
    own = make_secrets(Settings())
    with pytest.raises(InvalidInput, match="Set SECRET_KEY"):
        own.decrypt(token)
    monkeypatch.setenv("SECRET_KEY", f"{NEW},{kept_key(tmp_path / 'home')}")
    assert make_secrets(Settings()).decrypt(token) == b"x"
    monkeypatch.setenv("SECRET_KEY", "short")
    with pytest.raises(InvalidInput, match="at least 32"):
        make_secrets(Settings())
