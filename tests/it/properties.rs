//! What holds for any octets, on the stable toolchain: for each fuzz target the
//! same property, with inputs shaped to be interesting, and its every seed.
//!
//! | target | property test |
//! | --- | --- |
//! | `apop` | [`a_timestamp_is_printable_with_one_of_each_bracket`] |
//! | `base64` | [`base64_is_read_where_it_is_what_writing_gives`] |
//! | `capability` | [`a_capability_is_found_by_its_first_word`] |
//! | `certificate` | [`a_certificate_is_shown_without_harm_whatever_is_wrong_in_it`] |
//! | `channel` | [`a_frame_is_read_alike_however_the_stream_is_cut`] |
//! | `configuration` | [`any_configuration_is_taken_or_refused_in_a_sentence`] |
//! | `continuation` | [`a_challenge_follows_a_plus_and_a_space`] |
//! | `fingerprint` | [`a_fingerprint_depends_on_what_stays_of_the_header`] |
//! | `journal` | [`any_journal_loads_or_is_damaged_and_a_cut_never_damages`]; for its lines `journal::record`, for raw octets `journal::load` |
//! | `listing` | [`listings_are_read_as_the_grammar_says`] |
//! | `lmtp` | [`replies_of_lmtp_are_read_as_the_grammar_says`] |
//! | `marker` | [`any_marker_is_taken_or_refused`] |
//! | `netrc` | [`a_netrc_is_read_as_its_words_say`] |
//! | `proxy` | [`a_proxys_answer_is_taken_to_its_last_octet`] |
//! | `quoted` | [`words_of_strangers_are_shown_without_controls_and_short`] |
//! | `records` | [`the_next_run_knows_what_the_last_one_noted`] |
//! | `proof` | [`the_proof_for_dele_is_given_only_for_what_a_commit_delivered`] |
//! | `repair` | [`a_repair_makes_a_journal_of_anything`] |
//! | `response` | [`status_lines_are_read_as_the_grammar_says`] |
//! | `sasl` | [`challenges_are_answered_as_the_mechanism_says_or_end_the_exchange`] |
//! | `unstuffer` | [`unstuffing_agrees_with_a_plain_reading`]; for stuffing `protocol::multiline` |
//! | `url` | [`any_url_is_taken_or_refused_in_a_sentence`] |
//!
//! What the plan promises for any listing: [`crate::plan`].

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::panic::catch_unwind;
use std::path::Path;

use proptest::prelude::*;

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::check;

/// An input, shown so that a person can make a seed of it.
#[derive(Clone)]
struct Octets(Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Some of these words, set apart by `|`, and now and then any octets.
fn made_of(words: &[u8], count: Range<usize>) -> impl Strategy<Value = Octets> + use<> {
    let words: Vec<_> = words.split(|octet| *octet == b'|').map(<[u8]>::to_vec).collect();
    let word = prop::sample::select(words);
    let word = prop_oneof![9 => word, 1 => prop::collection::vec(any::<u8>(), 0..5)];
    prop::collection::vec(word, count).prop_map(|words| Octets(words.concat()))
}

const RESPONSE: &[u8] =
    b"+OK|-ERR|+ok| | |\t|[|[|]|]|/|IN-USE|sys|SYS/PERM|AUTH|LOGIN-DELAY|UTF8|text";

const LISTING: &[u8] = b"0|1|17|4294967295|4294967296|18446744073709551615|18446744073709551616|\
     | |  |\t|-|+|id|\xff|\r|%";

const LMTP: &[u8] = b"2|3|4|5|50|00|250|250|250|250-|250-|250 |354|550 |-| |-|_|SIZE|size 10|SIZE 99999999999999999999|\
    8BITMIME|PIPELINING|SMTPUTF8|pipelining|\n|\n|\n|\n250-|\r|+|x";

const CAPABILITY: &[u8] = b"PIPELINING|pipelining|SASL|Sasl|SASL PLAIN|XOAUTH2|PLAIN|USER|\
    LOGIN-DELAY|LOGIN-DELAY 900|EXPIRE|EXPIRE |NEVER|60|UTF8|IMPLEMENTATION x|\n| | |  |\t|\n|\n|\n|\xc3";

const BASE64: &[u8] = b"A|Zg==|Zm8=|Zm9v|=|==|+|/|-|_| |\r|\n";

const CONTINUATION: &[u8] = b"+|+ |+|OK| |\t|dGVzdA==|-ERR";

/// Of a login's first octets, each mechanism with and without being asked.
const CHOICE: &[u8] = b"0|1|2|3|4|5|6|7|8|9|:|;|<|=|>|?|@|A|B|C";

const CHALLENGE: &[u8] = b"r=AAAAAAAAAAAAAAAAAAAAAAAAsrv,s=c2FsdA==,i=4096|\
    r=AAAAAAAAAAAAAAAAAAAAAAAAsrv,s=c2FsdA==,i=4096\nv=?|\
    r=AAAAAAAAAAAAAAAAAAAAAAAAsrv,s=c2FsdA==,i=4096|\
    \n|\n|\n|\nv=?|v=?|v=|v=AAAA|,x=y|,m=x|m=x,|e=other-error|\
    r=AAAAAAAAAAAAAAAAAAAAAAAA,|s=c2FsdA==,|i=4095|i=1000001|,|=|<a@b>|{}";

const STREAM: &[u8] = b".|..|\r|\n|\r\n|\r\n|.\r\n|\r\n.\r\n|a|\0";

const GREETING: &[u8] = b"<|>|@|<a@b>|1896.697170952|dbc.mtview.ca.us| |\"|\x7f";

const WORDS: &[u8] = "word |\"|'|\x1b[2J|\u{9b}|\u{202e}|\u{200b}|\u{e9}|\u{1f4a9}|\r\n|\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|\u{20ac}"
    .as_bytes();

const HEADER: &[u8] =
    b"Status|x-status|X-UIDL|X-UID|X-IMAPbase|Content-Length|Subject|:|:|: a| |\t|\n|\n|\n|\n |\n\n|         ";

const JOURNAL: &[u8] = b"\
    n 7 ASNFZ4mrze8BI0VniavN7wEjRWeJq83v @5,4 //1.x.h a\n|\
    run 0000000000000001_0000000000000002 h\n|n 7 @5,4 /1 a\n|n 7 +3 /2 b\n|\
    n ? @5,4 *2 & //2.x.h a%20b\n|delivering-short 7 @6,0 //2.x.h b\n|\
    d 7 @6,5 a\n|d 7 a\n|d 7 +9 b\n|delivered-short 7 @6,5 b\n|\
    settled 1\n|settled 2\n|delete-pending 7 @5,4 a\n|back a\n|\
    x 7 @8,4 a\n|x 7 @8,4 *2 & a%20b\n|\
    failed ? @9,0 !4,99 f\n|forget 1 a\n|held 3 @1,2 *2 & a%20b\n|\
    imported ? @9,9 i\n|too-large 5000000 @1,0 l\n|\
    clock 1700000000 86400 ?\n|clock 1700000000 86400 9\n|listing 1 86400\n|listing 9 9\n|\
    found 00000000000000ff 0123456789abcdef0123456789abcdef\n|missing 86400 1 a\n|\
    s ? @9,0 *3 & a\n|s ? @9,0 %0A%zz\n|\
    s 7 ASNFZ4mrze8BI0VniavN7w @9,0 b\n|\
    top-differs\n|commit ? ?\n|commit ? ?\n|commit ? ?\n|commit ? ?\n|commit ? ?\n|commit ? ?\n|\
    commit ? ?\n|commit 1 0 00000000\n|commit 0 ?\n|commit 18446744073709551615 ?\n|commit 3|\n";

const MARKER: &[u8] = b"pop3get-maildir 1 0000000000000002\n|pop3get-maildir 9\n|journal|\
    journal 0000000000000001 u@h\n|journal 0000000000000003 u@h| 0000000000000001 | \xff|\n|\n";

const CHANNEL: &[u8] = b"{\"secret\":{}}\n|{\"secret\":{\"octets\":3}}\n|{\"stop\":{}}\n|\
    {\"end\":{\"failure\":null}}\n|{\"hello\":{\"version\":\"1\",\"build\":\"x\"}}\n|\
    {\"event\":{\"event\":\"again\"}}\n|{\"event\":{\"event\":\"checked\",\"new\":3}}\n|{\"no-secret\":{}}\n|\
    {\"secret\":{\"octets\":9999999}}\n|{|}|[|]|:|,|\"|\\u009b|\n|a\nb|null|3";

const CONFIGURATION: &[u8] = b"[defaults]\n|[account.a]\n|[account.\"b c\"]\n|[account]\n|\
    server = \"h:110\"\n|server = \"[::1]\"\n|server = \"a b\"\n|user = \"u\"\n|\
    user = \"\\u0007\\n\"\n|tls = \"none\"\n|tls = 1\n|tls = \"\\u001b[2J\"\n|auth = \"apop\"\n|\
    retry-for = 9\n|retry-for = 86401\n|timeout = 0\n|timeout = -1\n|timeout = 99999999999999999999\n|maildir = \"~/Mail\"\n|\
    maildir = \"Mail\"\n|maildir = \"a\\nb\"\n|\
    state-dir = \"/nowhere\"\n|delete = true\n|delete-after = 3\n|delete-after = \"3d\"\n|keep = true\n|\
    max-size = \"20M\"\n|max-size = 5\n|max-size = \"99999999999G\"\n|limit = 0\n|\
    password = \"x\"\n|password-file = \"/x\"\n|password-command = \"x\"\n|=|[|\"|#|a.b.c = 1\n";

const NETRC: &[u8] = b"machine |machine pop.example.org |machine POP.EXAMPLE.ORG. |default |\
    login |login mrose |password |password a|password \"b c\"|password |account x |port 1 |\
    macdef m\n|# x\n|#|\"|\\|\n|\n\n| |\t|\r|x";

const PROXY: &[u8] = b"\x05\x00|\x05\x02|\x01\x00|\x01\x01|\x05\x00\x00\x01|\x05\x00\x00\x03|\
    \x05\x00\x00\x04|\x05\x05\x00\x01|\x03abc|1234|56|0123456789abcdef|HTTP/1.1 200 OK\r\n|\
    HTTP/1.0 200\n|HTTP/1.1 100 x\r\n|HTTP/1.1 407 x\r\n|HTTP/1.|HTTP/2 |200|2000| |\r\n|\r\n|\n|\r|Via: x\r\n";

const ADDRESS: &[u8] = b"mrose|@|:|;AUTH=|+APOP|*|%40|%ff|[|]|::1|/|?|#|host|\\|127.0.0.1|110|\
    65536| |://|-|\xe2\x84\xaa";

/// The first octet of some targets says how the rest is cut.
fn cut(input: impl Strategy<Value = Octets>) -> impl Strategy<Value = Octets> {
    (any::<u8>(), input).prop_map(|(seed, Octets(rest))| Octets([vec![seed], rest].concat()))
}

/// So many cases. A failure is kept as a seed in the corpus, by hand.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn status_lines_are_read_as_the_grammar_says(line in made_of(RESPONSE, 0..6)) {
        check("response", &line.0);
    }

    #[test]
    fn listings_are_read_as_the_grammar_says(line in made_of(LISTING, 0..6)) {
        check("listing", &line.0);
    }

    #[test]
    fn replies_of_lmtp_are_read_as_the_grammar_says(lines in made_of(LMTP, 0..60)) {
        check("lmtp", &lines.0);
    }

    #[test]
    fn a_capability_is_found_by_its_first_word(list in made_of(CAPABILITY, 0..30)) {
        check("capability", &list.0);
    }

    #[test]
    fn base64_is_read_where_it_is_what_writing_gives(line in made_of(BASE64, 0..8)) {
        check("base64", &line.0);
    }

    #[test]
    fn a_challenge_follows_a_plus_and_a_space(line in made_of(CONTINUATION, 0..5)) {
        check("continuation", &line.0);
    }

    #[test]
    fn challenges_are_answered_as_the_mechanism_says_or_end_the_exchange(
        choice in made_of(CHOICE, 1..2),
        challenges in made_of(CHALLENGE, 0..6),
    ) {
        check("sasl", &[choice.0, challenges.0].concat());
    }

    #[test]
    fn unstuffing_agrees_with_a_plain_reading(stream in cut(made_of(STREAM, 0..30))) {
        check("unstuffer", &stream.0);
    }

    #[test]
    fn a_timestamp_is_printable_with_one_of_each_bracket(greeting in made_of(GREETING, 0..8)) {
        check("apop", &greeting.0);
    }

    #[test]
    fn words_of_strangers_are_shown_without_controls_and_short(words in made_of(WORDS, 0..30)) {
        check("quoted", &words.0);
    }

    #[test]
    fn a_fingerprint_depends_on_what_stays_of_the_header(message in cut(made_of(HEADER, 0..30))) {
        check("fingerprint", &message.0);
    }

    #[test]
    fn any_configuration_is_taken_or_refused_in_a_sentence(text in made_of(CONFIGURATION, 0..8)) {
        check("configuration", &text.0);
    }

    #[test]
    fn a_frame_is_read_alike_however_the_stream_is_cut(stream in cut(made_of(CHANNEL, 0..12))) {
        check("channel", &stream.0);
    }

    #[test]
    fn a_netrc_is_read_as_its_words_say(text in made_of(NETRC, 0..16)) {
        check("netrc", &text.0);
    }

    #[test]
    fn a_proxys_answer_is_taken_to_its_last_octet(says in cut(made_of(PROXY, 0..10))) {
        check("proxy", &says.0);
    }

    #[test]
    fn a_certificate_is_shown_without_harm_whatever_is_wrong_in_it(
        which in any::<prop::sample::Index>(),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let seeds: Vec<_> = names("corpus/certificate").into_iter().collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/certificate");
        let mut der = fs::read(folder.join(which.get(&seeds))).unwrap();
        for (at, octet) in wrong {
            let at = at.index(der.len());
            der[at] = octet;
        }
        check("certificate", &der);
    }

    #[test]
    fn any_url_is_taken_or_refused_in_a_sentence(word in made_of(ADDRESS, 0..7)) {
        check("url", &word.0);
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn any_journal_loads_or_is_damaged_and_a_cut_never_damages(text in made_of(JOURNAL, 0..16)) {
        check("journal", &text.0);
    }

    #[test]
    fn any_marker_is_taken_or_refused(text in made_of(MARKER, 0..8)) {
        check("marker", &text.0);
    }

    #[test]
    fn the_proof_for_dele_is_given_only_for_what_a_commit_delivered(
        input in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        check("proof", &input);
    }

    #[test]
    fn a_repair_makes_a_journal_of_anything(text in made_of(JOURNAL, 0..24)) {
        check("repair", &text.0);
    }

    #[test]
    fn the_next_run_knows_what_the_last_one_noted(
        decisions in prop::collection::vec(any::<u8>(), 0..300).prop_map(Octets),
    ) {
        check("records", &decisions.0);
    }
}

/// The names in a folder of `tests/fuzz`, without extension.
fn names(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_seed_of_every_target_holds() {
    let mut wrong = Vec::new();
    for (target, check) in fuzz::TARGETS {
        let folder = format!("corpus/{target}");
        // What the fuzzer found for itself has 40 digits for a name.
        let seeds: Vec<_> = names(&folder).into_iter().filter(|name| name.len() < 40).collect();
        assert!(seeds.len() >= 3, "{target}");
        for seed in seeds {
            let path = format!("{}/tests/fuzz/{folder}/{seed}", env!("CARGO_MANIFEST_DIR"));
            let input = fs::read(path).unwrap();
            if catch_unwind(|| check(&input)).is_err() {
                wrong.push(format!("{target}/{seed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn targets_corpus_and_table_name_the_same() {
    let targets: BTreeSet<String> = fuzz::TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    let table = include_str!("properties.rs").lines().filter_map(|line| {
        let name = line.strip_prefix("//! | `")?.split('`').next()?;
        Some(name.to_owned())
    });
    assert_eq!(table.collect::<BTreeSet<_>>(), targets);
}
