#!/bin/sh
# Brings node_modules up to package-lock.json. Prints to standard error only; does nothing when all is there.
#
# Launchers that start together wait for one another; node_modules is built aside and put in place by a
# rename, so that an install that dies leaves what was there before. Run by root, it works as the owner of
# the checkout and leaves no file of root's in it. No package's install script is run.
set -eu

root=$(cd -P "$(dirname "$0")/.." && pwd)
stamp=$root/node_modules/.weir-installed.json
work=$root/.cache/install
node_major_min=20

say() { printf 'weir: %s\n' "$*" >&2; }

# refuse WHAT REMEDY
refuse() {
  say "$1"
  [ $# -lt 2 ] || printf '      %s\n' "$2" >&2
  exit 1
}

check_platform() {
  system=$(uname -s)
  [ "$system" = Linux ] || refuse "Weir runs on Linux; this is $system."
  case $(uname -m) in
    x86_64 | amd64 | aarch64 | arm64) ;;
    *) refuse "There is no Node.js for this processor ($(uname -m)); Weir runs on x86-64 and arm64." ;;
  esac
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)
  version=${libc#glibc }
  case $libc in
    'glibc 2.'*)
      [ "${version#2.}" -ge 28 ] 2>/dev/null ||
        refuse "Weir needs glibc 2.28 or newer; this system has $version." "Debian 10, Ubuntu 20.04, RHEL 8 and all later ones have it."
      ;;
    *) refuse "Weir needs the GNU C library (glibc); this system has another, such as musl." "Use a Debian, Ubuntu or RHEL system or container image." ;;
  esac
}

check_npm() {
  hint="Install Node.js $node_major_min or newer with npm: https://nodejs.org/en/download"
  [ "$(id -u)" = "${SUDO_UID:-$(id -u)}" ] || hint="$hint
      If it is installed for your user only, run ./weir once without sudo."
  command -v node >/dev/null 2>&1 || refuse "node is not on the PATH; it is needed once, to install." "$hint"
  command -v npm >/dev/null 2>&1 || refuse "npm is not on the PATH; it is needed once, to install." "$hint"
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge "$node_major_min" ] || refuse "Node.js $(node --version) is too old to install with." "$hint"
}

# Continues as the checkout's owner, in the owner's home.
become_owner() {
  owner=$(stat -c %u "$root")
  [ "$(id -u)" -eq 0 ] && [ "$owner" -ne 0 ] || return 0
  command -v setpriv >/dev/null 2>&1 ||
    refuse "setpriv is not on the PATH, so root cannot install as the owner of $root." "Install util-linux, or run ./weir once without sudo."
  entry=$(getent passwd "$owner" || true)
  home=$(printf '%s' "$entry" | cut -d: -f6)
  groups=--init-groups
  [ -n "$entry" ] || groups=--clear-groups
  exec setpriv --reuid "$owner" --regid "$(stat -c %g "$root")" "$groups" \
    env -u npm_config_cache HOME="${home:-/nonexistent}" sh "$root/tools/install.sh"
}

is_current() { cmp -s "$root/package-lock.json" "$stamp"; }

# An `npm install` or `npm ci` made by hand since the lock last changed is as good as ours.
adopt() {
  [ "$root/node_modules/.package-lock.json" -nt "$root/package-lock.json" ] || return 1
  cp "$root/package-lock.json" "$stamp"
}

# Shows how much has arrived, while process $1 runs.
show_progress() {
  while kill -0 "$1" 2>/dev/null; do
    size=$(du -sm "$work" 2>/dev/null | cut -f1 || true)
    printf '\rweir: installing: %s MB ' "${size:-0}" >&2
    sleep 0.5
  done
}

clean_up() {
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
  rm -rf "$work"
  rmdir "$root/.cache" 2>/dev/null || true
}

install_packages() {
  rm -rf "$work"
  mkdir -p "$work"
  cp "$root/package.json" "$root/package-lock.json" "$work/"
  [ ! -f "$root/.npmrc" ] || cp "$root/.npmrc" "$work/"
  set -- ci --ignore-scripts --no-audit --no-fund --no-update-notifier --no-progress --loglevel=error
  [ -w "${HOME:-/nonexistent}" ] || set -- "$@" --cache "$work/npm-cache"
  say "installing the packages of package-lock.json with npm; this happens once and takes about a minute"
  watcher=
  if [ -t 2 ]; then
    show_progress $$ &
    watcher=$!
  fi
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  started=$(date +%s)
  (cd "$work" && npm "$@") >/dev/null || {
    [ -z "$watcher" ] || printf '\n' >&2
    refuse "npm could not install the packages; its reason is above." "Nothing was changed. Run ./weir again when it is mended."
  }
  cp "$work/package-lock.json" "$work/node_modules/.weir-installed.json"
  if [ -e "$root/node_modules" ]; then mv "$root/node_modules" "$work/replaced"; fi
  mv "$work/node_modules" "$root/node_modules"
  [ -z "$watcher" ] || printf '\r' >&2
  say "installed in $(($(date +%s) - started)) s"
}

check_platform
become_owner
[ -w "$root" ] || refuse "cannot write to $root, to install there." "Run ./weir once as its owner, $(stat -c %U "$root")."
# The lock is on the checkout's directory itself: no file to leave behind, and it dies with its holder.
command -v flock >/dev/null 2>&1 || refuse "flock is not on the PATH." "Install util-linux."
exec 9<"$root"
flock -n 9 || { say "another launcher is installing; waiting for it"; flock 9; }
if is_current || adopt; then exit 0; fi
check_npm
install_packages
