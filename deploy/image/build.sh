#!/usr/bin/env bash
# The container image without Docker: a Debian base by mmdebstrap, the Dockerfile by buildah with chroot isolation, so
# that neither a daemon nor nested containers are needed. `make image` runs it, as root.
#
#   BASE=python:3.11-slim@sha256:… make image         on an image of your choice instead of the Debian base
#   IMAGE=registry.example.com/steward:1.0 make image  under another name
#   PUSH=1 IMAGE=… make image                          and pushed there, with the digest that the registry then has
#
# Leaves in build/image: `layers` (the image, for `skopeo copy dir:… docker://…`), `digest`, `sbom.cdx.json`.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-.venv/bin/python}
image=${IMAGE:-localhost/wecom-steward:local}
base=${BASE:-localhost/steward-base:bookworm}
out=build/image
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs} BUILDAH_ISOLATION=chroot

for each in buildah mmdebstrap; do
    command -v "$each" >/dev/null || { echo "$each is missing: apt-get install buildah mmdebstrap" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "Run it as root: it makes file systems that belong to others." >&2; exit 2; }

work=$(mktemp -d)
containers=()
clean_up() {
    for each in "${containers[@]}"; do buildah rm "$each" >/dev/null; done
    rm -rf "$work"
}
trap clean_up EXIT
rm -rf "$out" && mkdir -p "$out"

if [ -z "${BASE:-}" ]; then
    echo "==> a Debian base with Python 3.11"
    # The packages come from wherever MIRROR says; the image itself asks Debian.
    # shellcheck disable=SC2016  # the hooks expand $1 themselves
    mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --customize-hook='ln -s python3 "$1/usr/bin/python"' \
        --customize-hook='echo "deb http://deb.debian.org/debian bookworm main" > "$1/etc/apt/sources.list"' \
        --customize-hook='rm -rf "$1"/var/log/* "$1"/etc/hostname "$1"/etc/resolv.conf' \
        bookworm "$work/base.tar" ${MIRROR:+"$MIRROR"}
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$work/base.tar" / >/dev/null
    buildah commit --quiet --rm "$container" "$base" >/dev/null
fi

echo "==> $image"
# The builder asks the package index that pip asks here. Both files are secrets of the build, not part of the image.
{
    echo "[global]"
    "$python" -m pip config list | sed -nE "s/^(global|:env:)\.((extra-)?index-url|proxy)='(https?:.*)'$/\2 = \4/p"
    echo "cert = /run/secrets/pip-certificates"
} > "$work/pip.conf"
certificates=${PIP_CERT:-$("$python" -c 'import ssl; print(ssl.get_default_verify_paths().cafile)')}
buildah build --quiet --pull-never --format docker --build-arg "BASE=$base" --tag "$image" \
    --secret "id=pip-configuration,src=$work/pip.conf" --secret "id=pip-certificates,src=$certificates" . >/dev/null

echo "==> what it holds"
container=$(buildah from --pull-never "$image")
containers+=("$container")
root=$(buildah mount "$container")
while read -r address; do
    if found=$(grep -rIlF --exclude-dir=proc --exclude-dir=sys -- "$address" "$root"); then
        printf 'The image holds an address of the package index:\n%s\n' "$found" >&2
        exit 1
    fi
done < <(sed -nE 's/^(extra-)?index-url = //p' "$work/pip.conf")
buildah run "$container" -- steward --version

if [ -n "${PUSH:-}" ]; then
    buildah push --quiet --digestfile "$out/digest" "$image" "docker://$image"
else
    buildah push --quiet --digestfile "$out/digest" "$image" "dir:$out/layers"
fi
"$python" deploy/image/sbom.py "$root" --name "$image" --digest "$(cat "$out/digest")" > "$out/sbom.cdx.json"
echo >> "$out/digest"
echo "image   $image@$(cat "$out/digest")"
echo "sbom    $out/sbom.cdx.json"
