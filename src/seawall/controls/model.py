"""What a control is: the header of its file, and its query."""

from __future__ import annotations

import msgspec

from seawall.core import Confidence, Severity


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The YAML in the comment lines that open a control's file.

    Attributes:
        id: words in kebab case; the file's name.
        title: what is true where the control passes, one sentence.
        severity: how much a failure matters.
        chapter: the chapter that it belongs to; the folder's name.
        message: what a failure means, one sentence. `{name}`, `{namespace}`, `{observed}`, `{expected}` and
            `{path}` are filled in.
        why: why it matters, in our words.
        fields: dotted paths that decide it, below the subject's own place: what a plan must know and what the
            mutation test changes. A pool's control names a field of its cluster as `cluster.properties.x`.
        subject: what a row is: cluster, pool, container, pod, namespace, ...
        aliases: other names (the SW- number of the recommendation).
        mappings: framework -> ids of that framework.
        unverified: frameworks whose ids nobody has checked against the framework's own text.
        profile: where the query runs unchanged: `arg`, `log-analytics` or `local`.
        fixes: language -> how to make it pass (`az`, `bicep`, `terraform`, `kubectl`, `yaml`).
        decides: `query`, or `manual` where only a person can see the evidence: each row asks for it.
        evidence: what a person must look at: for a manual control always, for another one where its row's
            `pass` is null because the input does not hold what decides it.
        confidence: below high where the verdict is an inference.
        references: where the rule is written.
    """

    id: str
    title: str
    severity: Severity
    chapter: str
    message: str
    why: str
    subject: str
    fields: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    mappings: dict[str, tuple[str, ...]] = {}
    unverified: tuple[str, ...] = ()
    profile: str = "arg"
    fixes: dict[str, str] = {}
    decides: str = "query"
    evidence: str = ""
    confidence: Confidence = Confidence.HIGH
    references: tuple[str, ...] = ()


class Control(msgspec.Struct, frozen=True):
    """A control: its header, its query, and the file that both stand in."""

    header: Header
    query: str
    file: str
    built_in: bool = False

    @property
    def id(self) -> str:
        """The id."""
        return self.header.id


class BrokenControl(msgspec.Struct, frozen=True):
    """A control file that cannot be used: it is reported as `error`, never left out in silence."""

    id: str
    chapter: str
    file: str
    reason: str
