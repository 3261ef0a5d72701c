#!/usr/bin/env bash
# Build the real Kubernetes control plane into the user's cache, once. See README.md.
#
#   build.sh                 build, unless it is there already; fail when it cannot be built
#   build.sh --if-possible   the same, but where Go or the modules are not to be had: say so and succeed
#   build.sh --where         print the folder that a build of these sources goes to, and do nothing
#
# The folder's name is the version of Kubernetes and a hash of all that decides the binary, so that a
# changed source never meets an old binary, and two checkouts share one build.
set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C

say() { echo "control plane: $*" >&2; }

mode=${1:-}
case "$#$mode" in
0 | 1--if-possible | 1--where) ;;
*)
  echo "usage: $0 [--if-possible | --where]" >&2
  exit 2
  ;;
esac

version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
[[ $version =~ ^v1\.([0-9]+)\.[0-9]+$ ]] || { say "go.mod names no version of k8s.io/kubernetes: run $PWD/regenerate"; exit 1; }
minor=${BASH_REMATCH[1]}
platform=$(uname -s)-$(uname -m)

# Without the -X lines the programs call themselves v0.0.0-master, and clients judge skew by that name.
package=k8s.io/component-base/version
stamp="-X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
flags=(-trimpath -buildvcs=false -mod=readonly -ldflags "-s -w -buildid= $stamp")

digest() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
key=$version-$({ cat go.mod go.sum main.go; echo "CGO_ENABLED=0 ${flags[*]} $platform"; } | digest | cut -c1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/seawall/controlplane/$key
binary=$folder/seawall-controlplane
names=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl)

if [[ $mode == --where ]]; then
  echo "$folder"
  exit 0
fi

cannot() { # cannot REASON...: an error, or one line where only what is possible was asked for
  say "not built: $*; tests marked live are skipped and counted unless one is found elsewhere (packaging/controlplane/README.md)"
  if [[ $mode == --if-possible ]]; then exit 0; fi
  exit 1
}

stop_if_built() {
  if [[ -x $binary ]]; then
    say "already built: $folder"
    exit 0
  fi
}

stop_if_built
command -v go >/dev/null || cannot "Go is not on PATH"

mkdir -p "$folder"
# One build at a time: the second finds the first one's result. Without flock (macOS) both build, and as
# each renames a whole file into place, either result is good.
if command -v flock >/dev/null; then
  exec 9>"$folder/.lock"
  flock -n 9 || { say "another build of $key is running: waiting for it"; flock 9; }
  stop_if_built
fi

work=$(mktemp -d "$folder/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export CGO_ENABLED=0 GOWORK=off GOFLAGS=
say "building Kubernetes $version with $(go env GOVERSION 2>/dev/null || echo go), once (4 to 6 minutes on 2 cores): $folder"
SECONDS=0
if ! go mod download >"$work/download" 2>&1; then
  cannot "$(tail -n 1 "$work/download")"
fi
say "modules are here after $SECONDS s; compiling"
nice go build "${flags[@]}" -o "$work/seawall-controlplane" .

said=$(exec -a kube-apiserver "$work/seawall-controlplane" --version)
[[ $said == "Kubernetes $version" ]] || { say "the new binary says '$said' where 'Kubernetes $version' was built"; exit 1; }
# The links come first and the binary last: whoever sees the binary sees everything.
for name in "${names[@]}"; do ln -sf seawall-controlplane "$folder/$name"; done
mv -f "$work/seawall-controlplane" "$binary"
say "built in $SECONDS s, $(($(wc -c <"$binary") / 1000000)) MB: $folder"
