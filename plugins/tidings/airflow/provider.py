"""What Airflow's providers manager asks: who we are, and our section of airflow.cfg."""

from __future__ import annotations

from typing import Any

from tidings import __version__


def get_provider_info() -> dict[str, Any]:
    """The provider's description; each option is also AIRFLOW__TIDINGS__<NAME> in the environment."""
    return {
        "package-name": "tidings",
        "name": "tidings",
        "description": "Marketing campaigns as code.",
        "config": {
            "tidings": {
                "description": "Campaigns as code.",
                "options": {
                    "workspace": _option(
                        "The folder with config/tidings.yaml; empty = the folder above the Dag file that has it.",
                        "string",
                        "",
                        "/opt/campaigns",
                    ),
                    "shards": _option(
                        "Deliver tasks of one campaign run; 0 = 1 with a SQLite ledger, otherwise 4.",
                        "integer",
                        "0",
                        "16",
                    ),
                    "retries": _option("How often a task that failed is tried again.", "integer", "3", "5"),
                },
            }
        },
    }


def _option(description: str, kind: str, default: str, example: str) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": __version__,
        "type": kind,
        "example": example,
        "default": default,
    }
