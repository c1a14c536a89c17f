complete -c pop3get -l account -d 'Name of an account, like ACCOUNT; may be given again' -r
complete -c pop3get -l show -d 'Print one message; N is its number in --list, or name it by --uid' -r
complete -c pop3get -l lines -d 'With --show: only the header and the first N lines' -r
complete -c pop3get -l import-seen -d 'Record as seen what mpop, fetchmail, getmail6, fdm or Thunderbird has fetched for one account; FILE is where that program keeps its unique-ids' -r -F
complete -c pop3get -l state -d 'Look at or change the journal of one account: list prints it; duplicates prints which files are in the Maildir twice; delete UID lets the next fetch delete a message from the server, whatever its state; undelete UID takes that order back; forget UID makes a message new again; mark UID records it as seen; repair rebuilds a damaged or lost journal; rename OLD takes over the journal of this mailbox\'s old name; separate says that it has no old name; handover again retries messages that were not handed over, and handover done counts them as handed over; export DIR takes refused ones out' -r
complete -c pop3get -l generate -d 'Print the man page, the completions of a shell, units for systemd, or the JSON Schema of --json' -r -f -a "bash\t'Completions for bash'
fish\t'Completions for fish'
json-schema\t'The JSON Schema of --json'
man\t'The man page'
systemd\t'Units for systemd'
zsh\t'Completions for zsh'"
complete -c pop3get -l uid -d 'Only the message with this unique-id, as --list prints it; may be given again; - reads unique-ids from standard input, one per line' -r
complete -c pop3get -l message -d 'Only the message with this number in --list, or those from N to M; may be given again' -r
complete -c pop3get -s s -l server -d 'POP3 server; IPv6 addresses in brackets' -r
complete -c pop3get -s u -l user -d 'Name of the mailbox on the server' -r
complete -c pop3get -l tls -d 'Protection of the connection: TLS from the start (port 995), TLS after STLS (port 110), or none (port 110) [default: implicit]' -r -f -a "implicit\t'TLS from the first octet'
starttls\t'TLS after STLS'
none\t'No TLS'"
complete -c pop3get -l auth -d 'Login mechanism; auto takes the strongest one offered, except APOP, CRAM-MD5 and those that need a token or a certificate [default: auto]' -r -f -a "auto\t'The strongest that the server offers'
user\t'USER and PASS'
apop\t'APOP'
plain\t'User and password in one (RFC 4616)'
login\t'User and password, one by one'
cram-md5\t'HMAC-MD5 of the password (RFC 2195)'
scram-sha-1\t'A proof by SHA-1 (RFC 5802)'
scram-sha-1-plus\t'The same, bound to TLS'
scram-sha-256\t'A proof by SHA-256 (RFC 7677)'
scram-sha-256-plus\t'The same, bound to TLS'
xoauth2\t'An OAuth 2 token in place of the password, as Google and Microsoft began'
oauthbearer\t'An OAuth 2 token in place of the password (RFC 7628)'
external\t'The client certificate, and no password'"
complete -c pop3get -l channel-binding -d 'What SCRAM-…-PLUS binds the login to: the TLS 1.3 session, or the server\'s certificate [default: exporter]' -r -f -a "exporter\t'What both ends of TLS 1.3 export (RFC 9266)'
end-point\t'The hash of the server\'s certificate (RFC 5929)'"
complete -c pop3get -l early -d 'Send the first commands with the end of the TLS handshake, before the greeting, to a server that is known to accept that [default: true]' -r -f -a "true\t''
false\t''"
complete -c pop3get -l password-file -d 'Read the password from the first line of this file; other users must not be able to read it' -r -F
complete -c pop3get -l password-command -d 'Read the password from the first line that this shell command prints' -r
complete -c pop3get -l ca-file -d 'Trust only the certificate authorities in this PEM file' -r -F
complete -c pop3get -l tls-roots -d 'Certificate authorities to trust: Mozilla\'s, which are built in; the system\'s; or none, with --tls-pin [default: webpki]' -r -f -a "webpki\t'Mozilla\'s, built in'
system\t'The system\'s'
none\t'None: a pin stands alone'"
complete -c pop3get -l tls-pin -d 'Require this key of the server, besides a valid certificate: sha256: and Base64, as --probe prints it; may be given again for another key. With --tls-roots none the key alone decides, not names and dates' -r
complete -c pop3get -l client-cert -d 'Log in with this client certificate (PEM, with its chain)' -r -F
complete -c pop3get -l client-key -d 'The private key of --client-cert (PEM, not encrypted); other users must not be able to read it [default: in the same file]' -r -F
complete -c pop3get -l proxy -d 'Connect through this proxy, which also resolves the server\'s name: socks5://[USER@]HOST[:PORT], or http://[USER@]HOST:PORT for CONNECT' -r
complete -c pop3get -l proxy-password-file -d 'Read the proxy password from the first line of this file; other users must not be able to read it' -r -F
complete -c pop3get -l connect-timeout -d 'Time to wait for the connection and the server\'s greeting [default: 1m]' -r
complete -c pop3get -l timeout -d 'Time to wait for a reply, or for more of a message [default: 3m]' -r
complete -c pop3get -l retry-for -d 'Time to keep trying while another session holds the maildrop ([IN-USE]); the pauses grow, and --deadline ends it [default: 0s]' -r
complete -c pop3get -l grace -d 'Off a terminal, keep quiet about failures that may be over by the next run (status 0 in place of 75), until they have lasted this long and three runs have failed' -r
complete -c pop3get -s m -l maildir -d 'Deliver into this Maildir; made if it is missing [default: $MAILDIR]' -r -f -a "(__fish_complete_directories)"
complete -c pop3get -l delete-after -d 'Delete messages from the server this long after their delivery; whole days, like 30d' -r
complete -c pop3get -l max-size -d 'Do not fetch larger messages; they stay on the server; units k, M, G' -r
complete -c pop3get -l limit -d 'Fetch at most N messages of each account in this run' -r
complete -c pop3get -l exec -d 'Run this shell command once after a run that has delivered or recovered something, with the paths on its standard input, a NUL behind each' -r
complete -c pop3get -l handover -d 'Also hand each delivered message over, one at a time: pipe:CMD runs this shell command with the message on its standard input; status 0 takes it, 65, 67 and 77 refuse it, every other one asks again later; lmtp:HOST:PORT and lmtp:/SOCKET speak LMTP' -r
complete -c pop3get -l rcpt -d 'Hand over by LMTP for this recipient; may be given again for another one' -r
complete -c pop3get -l exec-timeout -d 'Time that the command, or the target by LMTP, may take for a message: then SIGTERM, and 5 seconds later SIGKILL [default: 5m]' -r
complete -c pop3get -l journal -d 'Name of this mailbox\'s journal [default: USER@HOST, and the port if it is unusual]' -r
complete -c pop3get -l state-dir -d 'Keep the journals in this directory [default: $STATE_DIRECTORY, else ~/.local/state/pop3get]' -r -f -a "(__fish_complete_directories)"
complete -c pop3get -l jobs -d 'Serve at most N accounts at once [default: 4]' -r
complete -c pop3get -l jobs-per-host -d 'Serve at most N accounts of one server at once [default: 2]' -r
complete -c pop3get -l every -d 'Repeat the fetch at this interval in one process, until SIGTERM ends it; for containers' -r
complete -c pop3get -l report -d 'After each fetch, write the status of all accounts into this file for Prometheus\' node exporter; its name ends in .prom' -r -F
complete -c pop3get -l config -d 'Read only this configuration file [default: $POP3GET_CONFIG or ~/.config/pop3get/config.toml, and config.d/*.toml beside it]' -r -F
complete -c pop3get -l deadline -d 'End the whole run after this time, with status 75 if it is not done' -r
complete -c pop3get -l color -d 'Whether tables have colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c pop3get -l progress -d 'Whether the progress of a fetch is shown; auto: on a terminal, without -v' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c pop3get -s l -l list -d 'List the messages on the server: number, size, state, unique-id'
complete -c pop3get -l headers -d 'With --list: also date, sender and subject'
complete -c pop3get -l new -d 'With --list: only the messages that a fetch would take, and those that it would delete by your order'
complete -c pop3get -l check -d 'Print how many messages are new, and how many a fetch would delete by your order; the exit status is 1 if none is new'
complete -c pop3get -l probe -d 'Examine a server: addresses, TLS, certificates, capabilities and, with --user, the login; prints an account for the configuration file'
complete -c pop3get -l mark-seen -d 'Record the messages of one account as seen, so that they are never fetched; all messages, or those that --uid and --message name'
complete -c pop3get -s n -l dry-run -d 'Print what a fetch, or the act that is given, would do, without doing it'
complete -c pop3get -l status -d 'Print the status of each account without connecting: its last success, since when and why it fails, when the next login is tried, its messages by state, what waits to be handed over, and the days that the server\'s certificate is still valid'
complete -c pop3get -l check-config -d 'Print every setting of each account, where it comes from, and every mistake in the configuration; connects to no server, runs no command'
complete -c pop3get -l retry-failed -d 'Fetch messages that failed before at once, and not only when their pause is over'
complete -c pop3get -l rekey -d 'After the server renumbered: match this account\'s messages by their headers, and fetch only new ones'
complete -c pop3get -l refetch -d 'Fetch every message of this account again, also those delivered before, or those that --uid and --message name'
complete -c pop3get -l refetch-missing -d 'Fetch again the messages of this account that were delivered and are no longer in the Maildir'
complete -c pop3get -l allow-plaintext-password -d 'Send the password in clear, without TLS, to a server that is not this machine'
complete -c pop3get -l strict -d 'Refuse a server that breaks an RFC in its login, though it could be served; the error says how it breaks it'
complete -c pop3get -l ipv4 -d 'Use IPv4 only'
complete -c pop3get -l ipv6 -d 'Use IPv6 only'
complete -c pop3get -s d -l delete -d 'Delete messages from the server as soon as they are safe here'
complete -c pop3get -l keep -d 'Leave all messages on the server; this is the default'
complete -c pop3get -l json -d 'Print each event on standard output, one JSON object per line; --generate json-schema prints their schema'
complete -c pop3get -l yes -d 'Answer every question with yes'
complete -c pop3get -s q -l quiet -d 'Print nothing but errors'
complete -c pop3get -s v -l verbose -d 'Print a line for each account; -vv also a line for each message and other events; -vvv also the conversation, without secrets'
complete -c pop3get -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pop3get -s V -l version -d 'Print version'

# Names of accounts and unique-ids, behind what clap generates.

# The accounts of the configuration.
function __pop3get_accounts
    command -q pop3get; or return
    pop3get --check-config --json 2>/dev/null |
        string replace -rf '^\{"event":"configured","account":"([^"\\\\]*)".*' '$1'
end

# The unique-ids that the journal knows of the account on the command line.
function __pop3get_unique_ids
    command -q pop3get; or return
    set -l named
    set -l words (commandline -opc)
    for account in (__pop3get_accounts)
        contains -- $account $words; and set named $account
    end
    pop3get $named --state list 2>/dev/null | string replace -rf '^.* ([^ ]*)$' '$1'
end

# Whether the word before is one of these, and --state the one before that.
function __pop3get_action
    set -l words (commandline -opc)
    test (count $words) -ge 3; and test $words[-2] = --state; and contains -- $words[-1] $argv
end

complete -c pop3get -f
complete -c pop3get -n 'not __pop3get_action delete undelete forget mark handover' -a '(__pop3get_accounts)'
complete -c pop3get -n '__pop3get_action delete undelete forget mark' -a '(__pop3get_unique_ids)'
complete -c pop3get -n '__pop3get_action handover' -a 'again done'
complete -c pop3get -l account -x -a '(__pop3get_accounts)'
complete -c pop3get -l uid -x -a '(__pop3get_unique_ids)'
complete -c pop3get -l state -x -a 'list duplicates delete undelete forget mark repair rename separate handover export'
