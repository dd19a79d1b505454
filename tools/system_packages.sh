#!/bin/sh
# Install the Debian packages that pip cannot bring, where this is Debian and we may; else say what is missing.
set -u
missing=""
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
command -v fluidsynth >/dev/null 2>&1 || missing="$missing fluidsynth"
ls /usr/share/sounds/sf[23]/*.sf[23] >/dev/null 2>&1 || missing="$missing musescore-general-soundfont"
[ -z "$missing" ] && exit 0

as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    echo "installing$missing"
    $as_root apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null &&
        exit 0
fi
echo "not installed:$missing; on Debian: sudo apt-get install$missing" >&2
exit 0
