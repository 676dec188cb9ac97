"""Money inside is whole minor units: how many of them make one major unit."""

from __future__ import annotations

_ISO_4217 = dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
_ISO_4217 |= dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3) | {"CLF": 4, "UYW": 4}


def exponent(currency: str) -> int:
    """Digits after the point of a currency's minor unit (ISO 4217): 2 for USD, 0 for VND, 3 for KWD."""
    return _ISO_4217.get(currency, 2)
