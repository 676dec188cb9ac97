"""Settings against the plugins, and secrets that must not be in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.errors import ProjectErrors
from tidings.project import load_project
from tidings.project.literals import literal_secrets
from tidings.yamlfile import load_yaml


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace without mistakes."""
    return new_workspace(tmp_path)


def edit(root: Path, old: str, new: str) -> None:
    """Replace a text that stands once in config/tidings.yaml."""
    path = root / "config" / "tidings.yaml"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))


def said(root: Path) -> list[str]:
    """Every mistake that stops the project, without the file it is in."""
    with pytest.raises(ProjectErrors) as caught:
        load_project(root)
    return [line.removeprefix("config/tidings.yaml:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "quiet_hours: {start: 22:00, end: 08:00}",
            "delivery: {batch: 101}",
            "14:19: outbox takes 100 messages at once; write 100 or less",
        ),
        (
            "email: {providers: [smtp]}",
            "email: {providers: [smtpp]}",
            "8:23: there is no provider 'smtpp'; did you mean 'smtp'?",
        ),
        (
            "sms: {providers: [outbox]}",
            "sms: {providers: [smtp]}",
            "9:21: smtp carries email, not sms; write it under the channel 'email'",
        ),
        (
            "email: {providers: [smtp]}",
            "email: {providers: [sendgrid]}",
            "8:23: the key 'api_key' is missing; add it under providers: sendgrid:",
        ),
        (
            "smtp: {host",
            "smpt: {host",
            "11:3: there is no provider 'smpt'; did you mean 'smtp'?",
        ),
        (
            "username: shop",
            "usrename: shop",
            "11:27: unknown key 'usrename'; did you mean 'username'?",
        ),
        (
            "username: shop",
            "port: many",
            "11:33: `port` must be a whole number, not 'many'; write digits, such as 3",
        ),
        (
            "host: 127.0.0.1, username: shop",
            "host: mail.example.com, password: {secret: smtp_password}",
            "11:9: the password would travel in clear; set tls to starttls or tls",
        ),
        (
            "username: shop}",
            "dkim: {domain: far.example, selector: s1, key: {secret: dkim_key}}}",
            "11:42: the sender is not of far.example, so receivers ignore this signature; sign for example.com",
        ),
        (
            "username: shop}",
            "dkim: [{domain: example.com, selector: a, key: {secret: k}}, {domain: x.y, selector: b, key: k}]}",
            "11:97: the sender is not of x.y, so receivers ignore this signature; sign for example.com",
        ),
        (
            "username: shop}",
            "dkim: {domain: example.com, selektor: s1, key: {secret: dkim_key}}}",
            "11:55: unknown key 'selektor'; did you mean 'selector'?",
        ),
        (
            "username: shop}",
            "dkim: [{domain: example.com, selector: 1, key: {secret: dkim_key}}]}",
            "11:66: `selector` must be text, not 1; put it in quotes",
        ),
        (
            "{staging: {caps: {sms: {max: 1, within: 1d}}}}",
            "{staging: {caps: {smss: {max: 1, within: 1d}}}}",
            "15:33: there is no channel 'smss'; did you mean 'sms'?",
        ),
    ],
)
def test_settings_that_do_not_fit_the_plugins(workspace: Path, old: str, new: str, expected: str) -> None:
    """In every environment, not only the present one."""
    edit(workspace, old, new)
    assert said(workspace) == [expected]


def test_a_secret_is_named_in_a_file(workspace: Path) -> None:
    """`{secret: name}` stands for it; nobody has to hold it to check the workspace (R54)."""  # R54
    edit(workspace, "email: {providers: [smtp]}", "email: {providers: [sendgrid]}")
    edit(workspace, "providers:\n  smtp:", "providers:\n  sendgrid: {api_key: {secret: sendgrid_api_key}}\n  smtp:")
    assert load_project(workspace).settings.providers["sendgrid"] == {"api_key": {"secret": "sendgrid_api_key"}}


def test_a_secret_is_named_deep_in_a_file(workspace: Path) -> None:
    """Also inside a mapping or a list of a provider's settings, and what it is not is not said of it (R54)."""  # R54
    one = "{domain: example.com, selector: s1, key: {secret: dkim_key}}"
    edit(workspace, "username: shop}", f"dkim: [{one}, {one}], return_path: bounces@example.com}}")
    kept = load_project(workspace).settings.providers["smtp"]
    assert [{"secret": "dkim_key"}] * 2 == [each["key"] for each in kept["dkim"]]
    edit(workspace, "return_path: bounces@example.com", "timeout: {secret: dkim_key}")
    assert load_project(workspace).settings.providers["smtp"]["timeout"] == {"secret": "dkim_key"}


def test_the_sender_is_said_first(workspace: Path) -> None:
    """Where the sender is not known, nothing is said of who signs for it."""
    edit(workspace, "username: shop}", "dkim: {domain: far.example, selector: s1, key: {secret: dkim_key}}}")
    edit(workspace, "email: news@example.com", "email: news")
    assert not [line for line in said(workspace) if "far.example" in line]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("providers: {smtp: {password: hunter2}}", "hunter2"),
        ("providers: {sendgrid: {api_key: [hunter2]}}", "hunter2"),
        ("providers: {sendgrid: {api_key: {secret: SG.hunter2}}}", "SG.hunter2"),
        ('providers: {smtp: {dkim: {key: "-----BEGIN PRIVATE KEY-----\\nhunter2"}}}', "hunter2"),
        ("providers: {twilio: {auth_token: 123456}}", "123456"),
        ("ledger: {url: 'postgresql://tidings:hunter2@db/ledger'}", "hunter2"),
        ("warehouse: {url: 'postgresql://:hunter2@db/shop'}", "hunter2"),
        ("title: SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb", "SG.aaaa"),
        ("note: use AKIAABCDEFGHIJKLMNOP for it", "AKIA"),
        ("note: |\n  -----BEGIN RSA PRIVATE KEY-----\n  hunter2", "hunter2"),
        ("note: eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4", "eyJ"),
        ("note: sk_live_0123456789abcdef", "sk_live"),
    ],
)
def test_a_secret_in_clear_is_found_and_not_repeated(text: str, secret: str) -> None:
    """By the key, by its form, or inside an address; the message does not say it (R54)."""  # R54
    [error] = literal_secrets(load_yaml(text, "file.yaml"))
    assert "in clear" in error.reason
    assert "TIDINGS_" in error.fix
    assert secret not in str(error)
    assert error.where is not None
    assert error.where.file == "file.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "providers: {smtp: {password: {secret: smtp_password}}}",
        "providers: {smtp: {password: ~}}",
        "providers: {sendgrid: {webhook_public_key: MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE}}",
        "salt: a-salt-for-tests-0123",
        "website: https://shop.example.com:8443/path",
        "topic: secret_garden",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    """A name of a secret, a public key, the salt that git is to remember."""
    assert literal_secrets(load_yaml(text, "file.yaml")) == []


def test_no_other_message_repeats_a_secret(workspace: Path) -> None:
    """Where a secret stands, only that is said, whatever else is wrong with it there (R54)."""  # R54
    edit(workspace, "username: shop", "pasword: SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb")
    (workspace / "segments" / "loyal.yaml").write_text("segment: loyal\ntitle: 3\nwhere: [sk_live_0123456789abcdef]\n")
    lines = said(workspace)
    assert not any("SG.a" in line or "sk_live" in line for line in lines)
    assert sum("a secret in clear" in line for line in lines) == 2
