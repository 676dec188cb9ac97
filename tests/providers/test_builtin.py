import subprocess
import sys

from tidings.providers import builtin


def test_the_built_in_providers() -> None:
    """They come in through the hook, each with its own name."""
    assert {"outbox": None, "smtp": "email", "sendgrid": "email"} == {
        provider.name: provider.channel for provider in builtin.register_providers()
    }
    assert hasattr(builtin.register_providers, "tidings_impl")


def test_they_cost_nothing_until_they_send() -> None:
    """Registering imports no client library: project loading and Dag parsing pass here."""
    code = (
        "import sys; from tidings.providers.builtin import register_providers; register_providers();"
        "sys.exit(bool({'aiosmtplib', 'sendgrid', 'python_http_client', 'cryptography'} & set(sys.modules)))"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
