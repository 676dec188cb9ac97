"""Outside production nobody off the allow list is reached by a real provider, whatever the settings say (R62, R64)."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from tests.planning.campaigns import campaign
from tests.stage import NOW, Stage, accept, person, register
from tests.workspace import bare_project
from tidings.delivery.route import OUTBOX, allowed, make_provider, provider_of
from tidings.errors import TidingsError
from tidings.ledger.tables import attempts, messages
from tidings.model.base import Noun
from tidings.model.delivery import Outgoing
from tidings.model.seams import Provider
from tidings.settings import Channel, environment
from tidings.verbs.deliver import deliver

USERS = ["lan", "LAN", "tuan.nguyen", "x"]
DOMAINS = ["example.com", "EXAMPLE.com", "example.com.evil.test", "evil-example.com", "team.example", "example.net"]
addresses = st.builds("{}@{}".format, st.sampled_from(USERS), st.sampled_from(DOMAINS)) | st.sampled_from(
    ["+12025550100", "+84901234567", "lan@example.com\n@evil.test"]
)
exact = st.sampled_from([f"{user}@{domain}" for user in USERS for domain in DOMAINS] + ["+12025550100"])
domain = st.sampled_from(DOMAINS).map("*@{}".format)
ending = st.sampled_from([".example", ".test", ".net"]).map("*{}".format)
ENVIRONMENTS = ["dev", "staging", "test", "Production", "prod", "production ", "production"]
NAMES = ["outbox", "shouting", "smtp", "sendgrid"]


def _listed(address: str, patterns: list[str]) -> bool:
    """The list read in another way than by the code: a star stands at the beginning only."""
    return any(
        address.lower().endswith(one[1:].lower()) if one.startswith("*") else address.lower() == one.lower()
        for one in patterns
    )


class _Shouting(Provider):
    name = "shouting"
    channel = None
    Config = Noun

    async def send(self, batch: Any) -> list[Any]:
        return []


NOWHERE = bare_project(Path("/nowhere"))
NOWHERE.plugins.__dict__["providers"] = NOWHERE.plugins.providers | {"shouting": _Shouting}


def _check(env: str, patterns: list[str], address: str, name: str) -> None:
    channels = {"email": Channel(providers=[name])}
    changed = NOWHERE.settings.model_copy(update={"allow": patterns, "channels": channels})
    made = replace(NOWHERE, environment=env, settings=changed)
    chosen = provider_of(made, "email", address)
    reachable = env == "production" or _listed(address, patterns)
    assert reachable == allowed(made, address)
    assert chosen == (name if reachable else OUTBOX)
    assert not made.plugins.providers[OUTBOX].real


@settings(max_examples=500)
@given(st.sampled_from(ENVIRONMENTS), st.lists(exact | domain | ending, max_size=4), addresses, st.sampled_from(NAMES))
def test_nobody_off_the_list_gets_a_real_provider(env: str, patterns: list[str], address: str, name: str) -> None:
    """Only `production`, to the letter, reaches addresses off the list, with whatever provider (R62)."""
    _check(env, patterns, address, name)


def test_ten_thousand_settings() -> None:
    """The same for ten thousand random settings (R64)."""
    rng = random.Random(64)
    people = [f"{user}@{one}" for user in USERS for one in DOMAINS] + ["+12025550100"]
    patterns = [*people, *(f"*@{one}" for one in DOMAINS), "*.example", "*.test"]
    for _ in range(10_000):
        listed = rng.sample(patterns, rng.randint(0, 4))
        _check(rng.choice(ENVIRONMENTS), listed, rng.choice(people), rng.choice(NAMES))


@pytest.mark.parametrize(("value", "name"), [(None, "dev"), ("", "dev"), ("production", "production"), ("qa", "qa")])
def test_an_unset_environment_is_development(monkeypatch: pytest.MonkeyPatch, value: str | None, name: str) -> None:
    """Nothing set, or nothing written, is dev (R64)."""
    if value is None:
        monkeypatch.delenv("TIDINGS_ENV", raising=False)
    else:
        monkeypatch.setenv("TIDINGS_ENV", value)
    assert name == environment()


@pytest.fixture
def crowd(stage: Stage) -> tuple[Stage, list[Outgoing]]:
    """A dozen people with all kinds of addresses, planned once; and what a real provider was given."""
    kind = register(stage, accept)
    stage.add(campaign(approval="none"))
    people = [f"{user}{number}@{one}" for number, one in enumerate(DOMAINS) for user in USERS[1:3]]
    stage.people([person(number, email=email) for number, email in enumerate(people, start=1)])
    stage.plan()
    return stage, kind.given


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(exact | domain | ending, max_size=4))
def test_a_delivery_keeps_to_the_list(crowd: tuple[Stage, list[Outgoing]], patterns: list[str]) -> None:
    """The whole way, a dozen times: the real provider gets those on the list, the outbox everybody else (R62)."""
    stage, given_ = crowd
    given_.clear()
    with stage.ledger.write() as connection:
        connection.execute(delete(attempts))
        connection.execute(update(messages).values(state="planned", tries=0))
    for path in stage.project.root.glob(".tidings/outbox/*/*"):
        path.unlink()
    stage.settings(allow=patterns)
    done = deliver(stage.project, NOW)
    boxed = len(list(stage.project.root.glob(".tidings/outbox/*/*.eml")))
    assert (12, 12) == (done.accepted, boxed + len(given_))
    assert all(_listed(one.to, patterns) for one in given_)


def test_production_reaches_everybody(stage: Stage) -> None:
    """In production the list is not asked."""
    production = bare_project(stage.project.root, environment="production", channels={"email": {"providers": ["smtp"]}})
    assert "smtp" == provider_of(production, "email", "anybody@anywhere.test")


def test_a_provider_gets_its_settings_and_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret stands in the settings by name, and is looked up when the provider is made."""
    monkeypatch.setenv("TIDINGS_SECRET_MAIL_PASSWORD", "s3cret-of-a-test")
    values = {"host": "127.0.0.1", "port": 2525, "password": {"secret": "mail_password"}, "username": "u"}
    made = make_provider(bare_project(tmp_path, providers={"smtp": values}), "smtp")
    assert ("127.0.0.1", 2525) == (made.config.host, made.config.port)
    assert "s3cret-of-a-test" not in repr(made.config)
    assert tmp_path == made.root


def test_a_secret_may_stand_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret inside a list or a mapping of the settings is looked up as one on top is."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("TIDINGS_SECRET_DKIM_KEY", pem)
    one = {"domain": "example.org", "selector": "s1", "key": {"secret": "dkim_key"}}
    for dkim in (one, [one, one | {"selector": "s2"}]):
        made = make_provider(bare_project(tmp_path, providers={"smtp": {"dkim": dkim}}), "smtp")
        assert {pem} == {each.key.get_secret_value() for each in made.config.signatures}
        assert pem.splitlines()[1] not in repr(made.config)
    monkeypatch.delenv("TIDINGS_SECRET_DKIM_KEY")
    with pytest.raises(TidingsError, match="the secret 'dkim_key' is not set"):
        make_provider(bare_project(tmp_path, providers={"smtp": {"dkim": one}}), "smtp")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("smpt", {}, "there is no provider 'smpt'; did you mean 'smtp'?"),
        ("smtp", {"host": "h", "port": "many"}, "providers.smtp.port: .*; mend config/tidings.yaml"),
        ("smtp", {"host": "h", "password": {"secret": "nobody_knows"}}, "the secret 'nobody_knows' is not set"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path: Path, name: str, values: dict[str, Any], said: str) -> None:
    """A misspelt provider, a wrong value and a missing secret are told apart, without the value itself (R54)."""
    with pytest.raises(TidingsError, match=said.replace("?", r"\?")) as caught:
        make_provider(bare_project(tmp_path, providers={"smtp": values}), name)
    assert "many" not in str(caught.value)
