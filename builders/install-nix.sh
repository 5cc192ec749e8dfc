#!/bin/sh
# Puts Nix on PATH. A buildspec sources it (`. ./install-nix.sh`), so that later commands of the same phase see the new PATH; links in
# /usr/local/bin serve those that do not. Does nothing where nix-store is on PATH already.
#
# Otherwise it installs a pinned release from releases.nixos.org for the one user of a build container, root, with users to build as:
#   HEARTH_NIX_VERSION   such as 2.34.8
#   HEARTH_NIX_SHA256    of that version's tarball for this machine, in base16; without it the one that is published beside the tarball counts,
#                        which proves that the download is whole, and nothing about the server
#
# On a Mac /nix can only be a volume of its own, and Nix's installer makes it, the users and a daemon. It calls sudo, which must not ask for a password. The user
# that runs this becomes one of Nix's trusted-users, because builders choose where to fetch from.
#
# The machine that this was written on is no Mac and has no way to reach releases.nixos.org: the installation itself has not been run. What happens when
# Nix is there already, when a variable is missing, or when the hash is another one has been; and what a Mac's installer is told (test/unit/builders).

hearth_install_nix() {
  # A Mac of a fleet may have kept it, and a shell that nobody logged in to has no profile.
  if [ "$(uname -s)" = Darwin ] && [ -x "$hearth_daemon_bin/nix-store" ]; then
    PATH="$hearth_daemon_bin:$PATH"
    export PATH
  fi
  if command -v nix-store >/dev/null 2>&1; then
    echo "Nix is here: $(nix-store --version)"
    return 0
  fi
  if [ -z "${HEARTH_NIX_VERSION:-}" ]; then
    echo "install-nix.sh: this machine has no Nix; set HEARTH_NIX_VERSION (and HEARTH_NIX_SHA256) to install one" >&2
    return 1
  fi
  # macOS says arm64 of what Nix calls aarch64
  hearth_nix_name="nix-$HEARTH_NIX_VERSION-$(uname -m | sed 's/^arm64$/aarch64/')-$(uname -s | tr '[:upper:]' '[:lower:]')"
  hearth_nix_folder=$(mktemp -d) || return 1
  hearth_nix_tarball="$hearth_nix_folder/$hearth_nix_name.tar.xz"
  hearth_nix_url="${HEARTH_NIX_RELEASES:-https://releases.nixos.org/nix}/nix-$HEARTH_NIX_VERSION/$hearth_nix_name.tar.xz"
  hearth_get --output "$hearth_nix_tarball" "$hearth_nix_url" || return 1
  hearth_nix_sha256="${HEARTH_NIX_SHA256:-$(hearth_get "$hearth_nix_url.sha256")}"
  # Two spaces: the form that sha256sum writes.
  if ! echo "$hearth_nix_sha256  $hearth_nix_tarball" | hearth_check_sha256 >/dev/null 2>&1; then
    echo "install-nix.sh: $hearth_nix_name.tar.xz has not the SHA-256 $hearth_nix_sha256: not installed" >&2
    rm -rf "$hearth_nix_folder"
    return 1
  fi
  tar -xJf "$hearth_nix_tarball" -C "$hearth_nix_folder" || return 1
  if [ "$(uname -s)" = Darwin ]; then
    hearth_install_with_daemon || return 1
  else
    hearth_install_for_root || return 1
  fi
  rm -rf "$hearth_nix_folder"
  nix-store --version
}

hearth_install_for_root() {
  hearth_add_build_users || return 1
  mkdir -p /etc/nix || return 1
  echo 'build-users-group = nixbld' >>/etc/nix/nix.conf || return 1
  # --no-daemon: a container has no service manager. As root, Nix then works on the store itself and still builds as nixbld*.
  sh "$hearth_nix_folder/$hearth_nix_name/install" --no-daemon --no-channel-add --no-modify-profile || return 1
  for hearth_nix_program in "$HOME"/.nix-profile/bin/nix*; do
    ln -sf "$hearth_nix_program" /usr/local/bin/ || return 1
  done
  PATH="$HOME/.nix-profile/bin:$PATH"
  export PATH
}

# Where that installer puts Nix's programs.
hearth_daemon_bin=${HEARTH_NIX_DAEMON_BIN:-/nix/var/nix/profiles/default/bin}

hearth_install_with_daemon() {
  echo "trusted-users = root $(id -un)" >"$hearth_nix_folder/nix.conf" || return 1
  sh "$hearth_nix_folder/$hearth_nix_name/install" --daemon --yes --no-channel-add --nix-extra-conf-file "$hearth_nix_folder/nix.conf" || return 1
  sudo mkdir -p /usr/local/bin || return 1
  for hearth_nix_program in "$hearth_daemon_bin"/nix*; do
    sudo ln -sf "$hearth_nix_program" /usr/local/bin/ || return 1
  done
  PATH="$hearth_daemon_bin:$PATH"
  export PATH
}

hearth_get() {
  curl --fail --location --silent --show-error --retry 5 "$@"
}

# macOS has it under another name.
hearth_check_sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum -c -; else shasum -a 256 -c -; fi
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
