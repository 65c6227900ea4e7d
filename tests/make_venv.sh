#!/bin/sh
# Makes .venv with the interpreter that is named, or says exactly what is in the way. Called by `make setup`.
set -eu
cd "$(dirname "$0")/.."
python=$1

if ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))'); then
    echo "mailbot needs Python 3.11 or newer; $python is ${version:-not there}. Name another: make setup PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    tests/install_packages.sh "python$version-venv"
fi
"$python" -m venv .venv
