# The accounts of the configuration.
(( $+functions[_pop3get_accounts] )) ||
_pop3get_accounts() {
    local -a accounts
    accounts=(${(f)"$(pop3get --check-config --json 2>/dev/null |
        sed -n 's/^{"event":"configured","account":"\([^"\\]*\)".*/\1/p')"})
    (( ${#accounts} )) && compadd -X 'account' -a accounts
}

# The unique-ids that the journal knows of the account on the command line.
(( $+functions[_pop3get_unique_ids] )) ||
_pop3get_unique_ids() {
    local -a accounts named known
    accounts=(${(f)"$(pop3get --check-config --json 2>/dev/null |
        sed -n 's/^{"event":"configured","account":"\([^"\\]*\)".*/\1/p')"})
    named=(${(Q)words:*accounts})
    known=(${(f)"$(pop3get ${named[1]:+"${named[1]}"} --state list 2>/dev/null)"})
    known=(${known##* })
    (( ${#known} )) && compadd -X 'unique-id' -a known
}

# What follows --state.
(( $+functions[_pop3get_actions] )) ||
_pop3get_actions() {
    compadd -X 'action' @ACTIONS@
}

# An account, or the word that belongs to the action of --state.
(( $+functions[_pop3get_words] )) ||
_pop3get_words() {
    if [[ ${words[CURRENT-2]} == --state ]]; then
        case ${words[CURRENT-1]} in
            (delete|undelete|forget|mark) _pop3get_unique_ids; return ;;
            (handover) compadd again 'done'; return ;;
        esac
    fi
    _pop3get_accounts
}

