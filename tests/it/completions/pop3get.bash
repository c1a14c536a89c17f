# Names of accounts and unique-ids, behind what clap generates.

# The accounts of the configuration.
_pop3get_accounts() {
    pop3get --check-config --json 2>/dev/null |
        sed -n 's/^{"event":"configured","account":"\([^"\\]*\)".*/\1/p'
}

# Sets `words` to the words before the cursor. Readline takes them apart at each : = and @,
# which unique-ids and names of accounts may have in them.
_pop3get_words() {
    local line="${COMP_LINE:0:COMP_POINT}" rest word at last
    words=()
    for (( at = 0; at <= COMP_CWORD; at++ )); do
        word="${COMP_WORDS[at]}"
        rest="${line#"${line%%[![:space:]]*}"}"
        if (( at > 0 )) && [[ ${rest} == "${line}" ]]; then
            last=$(( ${#words[@]} - 1 ))
            words[last]+="${word}"
        else
            words+=("${word}")
        fi
        line="${rest#"${word}"}"
    done
}

# The unique-ids that the journal knows of the account on the command line.
_pop3get_unique_ids() {
    local word account
    local -a named=()
    while IFS= read -r account; do
        for word in "${words[@]:1}"; do
            [[ ${word} == "${account}" ]] && named=("${account}")
        done
    done < <(_pop3get_accounts)
    pop3get "${named[@]}" --state list 2>/dev/null | sed -n 's/^.* \([^ ]*\)$/\1/p'
}

# Offers the lines of standard input that begin with a word, as far as readline is to
# replace it: from the last place on where it took the word apart, an @ included.
_pop3get_offer() {
    local line start='' breaks="${COMP_WORDBREAKS//[!:=@]/}"
    [[ -n ${breaks} ]] && start="${1%"${1##*[${breaks}]}"}"
    start="${start%@}"
    while IFS= read -r line; do
        [[ ${line} == "$1"* ]] && COMPREPLY+=("$(printf '%q' "${line#"${start}"}")")
    done
}

_pop3get_with_names() {
    _pop3get "$@"
    local -a words
    _pop3get_words
    local many=${#words[@]}
    local cur="${words[many - 1]}" prev='' before=''
    (( many >= 2 )) && prev="${words[many - 2]}"
    (( many >= 3 )) && before="${words[many - 3]}"
    if [[ ${cur} == --*=* ]]; then
        prev="${cur%%=*}" cur="${cur#*=}"
    fi
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
        delete | undelete | forget | mark)
            if [[ ${before} == --state ]]; then
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
