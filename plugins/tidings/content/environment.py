"""The Jinja environment of templates: sandboxed, strict about missing values, escaping by part."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tidings.content import limits, sandbox
from tidings.content.formats import filters

Extend = Callable[[jinja2.Environment], None]
"""What the hook `prepare_jinja_environment` does to an environment."""

PLAIN_PARTS = ("subject", "preheader", "text")
_KEPT = (
    "abs capitalize count d default e escape first float int items last length list lower map max min reject"
    " rejectattr reverse select selectattr sort string title trim truncate unique upper urlencode"
).split()


def make_environment(locale: str, *, currency: str, extend: Extend | None = None) -> ImmutableSandboxedEnvironment:
    """An environment for one language and currency.

    HTML is escaped, and so is a template without a name; parts compiled under the name `subject`, `preheader`
    or `text` are not. A missing variable is an error, an empty one may not be printed. Beside a choice of
    Jinja's filters there are `money`, `date`, `number` and `percent`. `extend` may add filters and globals.
    """
    environment = sandbox.BoundedEnvironment(
        autoescape=lambda name: name not in PLAIN_PARTS,
        undefined=sandbox.Missing,
        finalize=limits.printable,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters = {name: environment.filters[name] for name in _KEPT}
    environment.filters |= filters(locale, currency)
    environment.filters |= {
        sandbox.LOOP: limits.bounded_loop,
        "batch": limits.bounded_batch,
        "join": limits.bounded_join,
        "replace": limits.bounded_replace,
        "round": limits.bounded_round,
        "sum": limits.bounded_sum,
    }
    environment.globals = {"range": limits.bounded_range}
    if extend is not None:
        extend(environment)
    return environment


@lru_cache(maxsize=64)
def shared_environment(locale: str, currency: str, extend: Extend | None) -> ImmutableSandboxedEnvironment:
    """The environment of this process for a locale, currency and extension; made once."""
    return make_environment(locale, currency=currency, extend=extend)
