"""Where the control plane's programs are found: the order of packaging/controlplane/README.md."""

from __future__ import annotations

import shutil

import pytest

from support.controlplane_binaries import CONTROLLERS, MULTI_CALL, NAMES, BinariesError, cache, find

KUBERNETES = tuple(name for name in NAMES if name != "etcd")


@pytest.fixture
def place(tmp_path):
    """Put programs that tell a version into a folder; return the folder."""

    def put(folder, names, version):
        path = tmp_path / folder if isinstance(folder, str) else folder
        path.mkdir(parents=True, exist_ok=True)
        for name in names:
            # kubectl answers `version --client --output=json`, the others `--version`.
            (path / name).write_text(
                "#!/bin/sh\n"
                f'case "$1" in version) echo \'{{"gitVersion": "{version}"}}\';; *) echo Kubernetes {version};; esac\n'
            )
            (path / name).chmod(0o755)
        return path

    return put


@pytest.fixture
def environ(tmp_path):
    """An environment without any control plane, that still has what build.sh --where calls."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "env", "sed", "uname", "cut", "cat", "dirname", "sha256sum", "shasum"):
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    return {"PATH": str(tools), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_the_first_place_that_has_one_wins(place, environ):
    places = [
        ("SEAWALL_CONTROLPLANE", place("named", NAMES, "v1.31.0")),
        ("the cache", place(cache(environ), NAMES, "v1.32.0")),
        ("KUBEBUILDER_ASSETS", place("assets", NAMES, "v1.33.0")),
        ("PATH", place("tools", NAMES, "v1.34.0")),
    ]
    environ |= {"SEAWALL_CONTROLPLANE": str(places[0][1]), "KUBEBUILDER_ASSETS": str(places[2][1])}
    for minor, (name, folder) in enumerate(places, start=31):
        found = find(environ)
        assert (found.source, found.version, found.minor) == (name, f"v1.{minor}.0", minor)
        assert found.complete
        assert set(found.programs.values()) == {folder / program for program in NAMES}
        # Take it away: the next place in order is found.
        environ.pop(name, None)
        for program in NAMES:
            (folder / program).unlink()
    with pytest.raises(BinariesError, match="no kube-apiserver in the cache, PATH; run `make controlplane`"):
        find(environ)


def test_the_multi_call_binary_needs_no_links(place, environ):
    environ["SEAWALL_CONTROLPLANE"] = str(folder := place("named", [MULTI_CALL], "v1.34.4"))
    assert set(find(environ).programs.values()) == {folder / MULTI_CALL}
    assert find(environ).complete


def test_assets_without_controllers_are_api_only(place, environ):
    environ["KUBEBUILDER_ASSETS"] = str(place("assets", ["etcd", "kube-apiserver", "kubectl"], "v1.34.1"))
    assert not find(environ).complete


def test_what_is_lacking_is_filled_up_at_the_same_minor_only(place, environ):
    assets = place("assets", ["kube-apiserver"], "v1.34.1")
    environ["KUBEBUILDER_ASSETS"] = str(assets)
    path = place("tools", ["etcd", *CONTROLLERS, "kubectl", "kube-apiserver"], "v1.34.4")
    found = find(environ)
    assert found.version == "v1.34.1"
    assert found.programs == {
        name: assets / name if name == "kube-apiserver" else path / name for name in NAMES
    }
    place("tools", KUBERNETES, "v1.33.9")
    with pytest.raises(BinariesError, match=r"kube-apiserver v1\.34\.1, but there is no kubectl"):
        find(environ)


def test_a_folder_named_by_hand_must_hold_one(place, environ, tmp_path):
    place(cache(environ), NAMES, "v1.34.4")
    environ["SEAWALL_CONTROLPLANE"] = str(tmp_path / "typo")
    with pytest.raises(BinariesError, match="typo holds no kube-apiserver"):
        find(environ)


def test_a_program_that_does_not_run_is_said(place, environ):
    folder = place("named", NAMES, "v1.34.4")
    (folder / "kube-apiserver").write_text("#!/bin/sh\necho wrong machine >&2; exit 1\n")
    environ["SEAWALL_CONTROLPLANE"] = str(folder)
    with pytest.raises(BinariesError, match=r"does not tell its version: wrong machine"):
        find(environ)
