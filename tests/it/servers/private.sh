#!/bin/sh
# Runs a server in a mount namespace of its own, in which mrose is a user with a password:
# the machine's accounts, mail and services are neither changed nor seen.
#
#     unshare --mount private.sh DIRECTORY COMMAND ...
#
# DIRECTORY has etc, home, mail and run, which stand for the machine's own.
set -eu
place=$1
shift
mount --make-rprivate /
mount --bind "$place/etc" /etc
mount --bind "$place/run" /run
mount --bind "$place/mail" /var/mail
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/popa3d /var/lib/solid-pop3d/bulletins
exec "$@"
