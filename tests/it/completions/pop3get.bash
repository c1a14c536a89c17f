# Names of accounts and unique-ids, behind what clap generates.

# The accounts of the configuration.
_pop3get_accounts() {
    pop3get --check-config --json 2>/dev/null |
        sed -n 's/^{"event":"configured","account":"\([^"\\]*\)".*/\1/p'
}

# The unique-ids that the journal knows of the account on the command line.
_pop3get_unique_ids() {
    local word account
    local -a named=()
    while IFS= read -r account; do
        for word in "${COMP_WORDS[@]:1}"; do
            [[ ${word} == "${account}" ]] && named=("${account}")
        done
    done < <(_pop3get_accounts)
    pop3get "${named[@]}" --state list 2>/dev/null | sed -n 's/^.* \([^ ]*\)$/\1/p'
}

# Offers the lines of standard input that begin with a word.
_pop3get_offer() {
    local line
    while IFS= read -r line; do
        [[ ${line} == "$1"* ]] && COMPREPLY+=("$(printf '%q' "${line}")")
    done
}

_pop3get_with_names() {
    _pop3get "$@"
    local cur="$2" prev="$3"
    case "${prev}" in
        --account)
            COMPREPLY=()
            _pop3get_offer "${cur}" < <(_pop3get_accounts)
            return 0
            ;;
        --uid)
            COMPREPLY=()
            _pop3get_offer "${cur}" < <(_pop3get_unique_ids)
            return 0
            ;;
        --state)
            COMPREPLY=( $(compgen -W "@ACTIONS@" -- "${cur}") )
            return 0
            ;;
        delete | forget | mark)
            if [[ ${COMP_CWORD} -ge 2 && ${COMP_WORDS[COMP_CWORD - 2]} == --state ]]; then
                COMPREPLY=()
                _pop3get_offer "${cur}" < <(_pop3get_unique_ids)
                return 0
            fi
            ;;
        handover)
            COMPREPLY=( $(compgen -W "again done" -- "${cur}") )
            return 0
            ;;
        @VALUED@)
            # The value of another option.
            return 0
            ;;
    esac
    if [[ ${cur} != -* ]]; then
        COMPREPLY=()
        _pop3get_offer "${cur}" < <(_pop3get_accounts)
    fi
}

complete -F _pop3get_with_names pop3get
