"""The commands by name: where each stands, and what it is for."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "assess": ("seawall.cli.assess:assess", "Posture report over everything found in PATH..."),
    "query": ("seawall.cli.query:query", "KQL over the same tables."),
    "controls": ("seawall.cli.controls:controls", "The catalogue of controls, or one control explained."),
    "access": ("seawall.cli.access:access", "Who may do what, why, and what would change the answer."),
    "policy": (
        "seawall.cli.policy:policy",
        "Pod Security levels and admission policies over files: what-if, check, profiles.",
    ),
    "network": ("seawall.cli.network:network", "Who reaches whom, which rule says so, what would change it."),
    "serve": ("seawall.cli.serve:serve", "The engines as servers: admission, authorization, authentication."),
    "decide": ("seawall.cli.decide:decide", "JSON lines in, decisions out: how programs talk to an engine."),
    "config": ("seawall.cli.config:config", "What seawall.toml says, and where a value comes from."),
}
"""Command name -> (module:attribute, help). A command is imported when it is called, not for --help."""
