#!/bin/sh
# Puts Nix on PATH. A buildspec sources it (`. ./install-nix.sh`), so that later commands of the same phase see the new PATH; links in
# /usr/local/bin serve those that do not. Does nothing where nix-store is on PATH already.
#
# Otherwise it installs a pinned release from releases.nixos.org for the one user of a build container, root, with users to build as:
#   HEARTH_NIX_VERSION   such as 2.34.8
#   HEARTH_NIX_SHA256    of that version's tarball for this machine, in base16; without it the one that is published beside the tarball counts,
#                        which proves that the download is whole, and nothing about the server
#
# The machine that this was written on has no way to reach releases.nixos.org: the installation itself has not been run. What happens when
# Nix is there already, when a variable is missing, or when the hash is another one has been.

hearth_install_nix() {
  if command -v nix-store >/dev/null 2>&1; then
    echo "Nix is here: $(nix-store --version)"
    return 0
  fi
  if [ -z "${HEARTH_NIX_VERSION:-}" ]; then
    echo "install-nix.sh: this machine has no Nix; set HEARTH_NIX_VERSION (and HEARTH_NIX_SHA256) to install one" >&2
    return 1
  fi
  hearth_nix_name="nix-$HEARTH_NIX_VERSION-$(uname -m)-$(uname -s | tr '[:upper:]' '[:lower:]')"
  hearth_nix_folder=$(mktemp -d) || return 1
  hearth_nix_tarball="$hearth_nix_folder/$hearth_nix_name.tar.xz"
  hearth_nix_url="${HEARTH_NIX_RELEASES:-https://releases.nixos.org/nix}/nix-$HEARTH_NIX_VERSION/$hearth_nix_name.tar.xz"
  hearth_nix_get="curl --fail --location --silent --show-error --retry 5"
  $hearth_nix_get --output "$hearth_nix_tarball" "$hearth_nix_url" || return 1
  hearth_nix_sha256="${HEARTH_NIX_SHA256:-$($hearth_nix_get "$hearth_nix_url.sha256")}"
  # Two spaces: the form that sha256sum writes.
  if ! echo "$hearth_nix_sha256  $hearth_nix_tarball" | sha256sum -c - >/dev/null 2>&1; then
    echo "install-nix.sh: $hearth_nix_name.tar.xz has not the SHA-256 $hearth_nix_sha256: not installed" >&2
    rm -rf "$hearth_nix_folder"
    return 1
  fi
  tar -xJf "$hearth_nix_tarball" -C "$hearth_nix_folder" || return 1
  hearth_add_build_users || return 1
  mkdir -p /etc/nix || return 1
  echo 'build-users-group = nixbld' >>/etc/nix/nix.conf || return 1
  # --no-daemon: a container has no service manager. As root, Nix then works on the store itself and still builds as nixbld*.
  sh "$hearth_nix_folder/$hearth_nix_name/install" --no-daemon --no-channel-add --no-modify-profile || return 1
  rm -rf "$hearth_nix_folder"
  for hearth_nix_program in "$HOME"/.nix-profile/bin/nix*; do
    ln -sf "$hearth_nix_program" /usr/local/bin/ || return 1
  done
  PATH="$HOME/.nix-profile/bin:$PATH"
  export PATH
  nix-store --version
}

# One user for each build that runs at the same time: builds must not be able to touch each other's files, nor root's.
hearth_add_build_users() {
  getent group nixbld >/dev/null || groupadd --system nixbld || return 1
  hearth_nix_user=1
  while [ "$hearth_nix_user" -le 32 ]; do
    id "nixbld$hearth_nix_user" >/dev/null 2>&1 ||
      useradd --system --no-create-home --home-dir /var/empty --shell /sbin/nologin \
        --gid nixbld --groups nixbld "nixbld$hearth_nix_user" || return 1
    hearth_nix_user=$((hearth_nix_user + 1))
  done
}

hearth_install_nix
