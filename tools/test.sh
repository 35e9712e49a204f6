#!/bin/sh
# `npm test`: installs, brings the peers that the tests need, runs every check and every test.
set -eu

root=$(cd -P "$(dirname "$0")/.." && pwd)
cd "$root"
exec sh tools/node.sh --disable-warning=ExperimentalWarning tools/check.ts "$@"
