# Sourced: apt_install PACKAGE... installs what is missing, with sudo where that is needed.
apt_install() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if ! command -v apt-get >/dev/null; then
        echo "Please install first (no apt-get here): $*" >&2
        exit 1
    fi
    echo "Installing $* ..."
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$@" >/dev/null
}
