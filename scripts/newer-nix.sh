#!/bin/bash
# Makes a folder with a Nix that is newer than this machine's: Debian's next release, not to be booted, with nix-bin. For tests: docs/local.md.
# Usage, as root on Debian or Ubuntu: npm run newer-nix -- FOLDER
set -euo pipefail

folder=${1:?the folder to make, such as .hearth/newer-nix}
if [ ! -x "$folder/usr/bin/nix-store" ]; then
  command -v debootstrap > /dev/null || apt-get install -y --no-install-recommends debootstrap
  mkdir -p "$(dirname "$folder")"
  rm -rf "$folder.unfinished"
  # libdbi-perl is what nix-bin needs of perl-dbdabi-94: debootstrap knows no package by what it provides.
  debootstrap --variant=minbase --include=nix-bin,libdbi-perl sid "$folder.unfinished"
  rm -rf "$folder.unfinished"/var/cache/apt/archives/*.deb
  mv "$folder.unfinished" "$folder"
fi
echo "export HEARTH_NEWER_NIX=$(cd "$folder" && pwd)"
