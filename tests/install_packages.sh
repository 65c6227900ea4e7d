#!/bin/sh
# Installs Debian packages when run as root, or prints the command to type and fails. No service is started.
set -eu
export DEBIAN_FRONTEND=noninteractive

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing: $*. Type: sudo apt-get install --no-install-recommends $*" >&2
    exit 1
fi
if [ ! -e /usr/sbin/policy-rc.d ]; then   # Debian's way to say that packages must not start their services
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
fi
apt-get -qq update
case " $* " in
*" postfix "*) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
esac
apt-get -qq install --no-install-recommends -y "$@" </dev/null
