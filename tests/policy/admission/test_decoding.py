"""Bytes, times and numbers of a mutated object as Go reads them; `goformats.jsonl` is what Go 1.26 printed for each text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.policy.admission.typed import DecodeError, builtin, decoded

SAID = [
    json.loads(line)
    for line in Path(__file__).with_name("goformats.jsonl").read_text(encoding="utf-8").splitlines()
]
HOLDERS = {
    "b": ("", "v1", "Secret", "data", "a"),
    "t": ("", "v1", "Pod", "status", "startTime"),
    "m": ("coordination.k8s.io", "v1", "Lease", "spec", "renewTime"),
}


@pytest.mark.parametrize(("what", "text", "said"), SAID)
def test_bytes_and_times_are_read_and_written_as_by_go(what, text, said):
    group, version, kind, outer, inner = HOLDERS[what]
    try:
        found = decoded(builtin(group, version, kind), {outer: {inner: text}}, applied=False)[outer][inner]
    except DecodeError as error:
        found = f"! {error}"
    assert found == said


def test_the_first_wrong_value_is_told_but_one_that_ends_the_decoding_comes_before():
    quota = {"spec": {"hard": {"cpu": "1Kii"}}, "metadata": {"generation": 1.5}}
    with pytest.raises(DecodeError, match=r"^unable to parse quantity's suffix$"):
        decoded(builtin("", "v1", "ResourceQuota"), quota, applied=False)
