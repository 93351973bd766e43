#!/usr/bin/env bash
# The machines of the running virtual rack (RACK_NAME, default: demo), as a dynamic inventory.
set -euo pipefail
tests=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../tests" && pwd)
PYTHONPATH=$tests exec python3 -m rack inventory "${RACK_NAME:-demo}"
