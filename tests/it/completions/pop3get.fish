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
complete -c pop3get -l state -x -a '@ACTIONS@'
