_pop3get() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="pop3get"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        pop3get)
            opts="-l -n -s -u -m -d -q -v -h -V --account --list --headers --new --check --show --lines --probe --mark-seen --import-seen --dry-run --state --status --check-config --generate --uid --message --retry-failed --rekey --refetch --refetch-missing --server --user --tls --auth --channel-binding --allow-plaintext-password --early --strict --password-file --password-command --ca-file --tls-roots --tls-pin --client-cert --client-key --proxy --proxy-password-file --ipv4 --ipv6 --connect-timeout --timeout --retry-for --grace --maildir --delete --delete-after --keep --max-size --limit --exec --handover --rcpt --exec-timeout --journal --state-dir --jobs --jobs-per-host --every --report --config --deadline --json --yes --color --progress --quiet --verbose --help --version"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --account)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --show)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --lines)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --import-seen)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --state)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --generate)
                    COMPREPLY=($(compgen -W "bash fish json-schema man systemd zsh" -- "${cur}"))
                    return 0
                    ;;
                --uid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --message)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --server)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -s)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --user)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -u)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --tls)
                    COMPREPLY=($(compgen -W "implicit starttls none" -- "${cur}"))
                    return 0
                    ;;
                --auth)
                    COMPREPLY=($(compgen -W "auto user apop plain login cram-md5 scram-sha-1 scram-sha-1-plus scram-sha-256 scram-sha-256-plus xoauth2 oauthbearer external" -- "${cur}"))
                    return 0
                    ;;
                --channel-binding)
                    COMPREPLY=($(compgen -W "exporter end-point" -- "${cur}"))
                    return 0
                    ;;
                --early)
                    COMPREPLY=($(compgen -W "true false" -- "${cur}"))
                    return 0
                    ;;
                --password-file)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --password-command)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --ca-file)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --tls-roots)
                    COMPREPLY=($(compgen -W "webpki system none" -- "${cur}"))
                    return 0
                    ;;
                --tls-pin)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --client-cert)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --client-key)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --proxy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --proxy-password-file)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --connect-timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --retry-for)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --grace)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --maildir)
                    COMPREPLY=()
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o plusdirs
                    fi
                    return 0
                    ;;
                -m)
                    COMPREPLY=()
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o plusdirs
                    fi
                    return 0
                    ;;
                --delete-after)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --max-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limit)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --exec)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --handover)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --rcpt)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --exec-timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --journal)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --state-dir)
                    COMPREPLY=()
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o plusdirs
                    fi
                    return 0
                    ;;
                --jobs)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --jobs-per-host)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --every)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --report)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --config)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --deadline)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --progress)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _pop3get -o nosort -o bashdefault -o default pop3get
else
    complete -F _pop3get -o bashdefault -o default pop3get
fi

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
            COMPREPLY=( $(compgen -W "list duplicates delete undelete forget mark repair rename separate handover export" -- "${cur}") )
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
        --account | --lines | --import-seen | --state | --generate | --uid | --message | -s | --server | -u | --user | --tls | --auth | --channel-binding | --early | --password-file | --password-command | --ca-file | --tls-roots | --tls-pin | --client-cert | --client-key | --proxy | --proxy-password-file | --connect-timeout | --timeout | --retry-for | --grace | -m | --maildir | --delete-after | --max-size | --limit | --exec | --handover | --rcpt | --exec-timeout | --journal | --state-dir | --jobs | --jobs-per-host | --every | --report | --config | --deadline | --color | --progress)
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
