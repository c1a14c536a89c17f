//! Which servers are believed, and what is said of the others.
//!
//! Clients have believed anybody: by a result that nobody looked at
//! (CVE-2019-8337), by leaving the check to an option (CVE-2014-7273 to -7275),
//! by a name cut off at a NUL (CVE-2009-2666). So each certificate here is wrong
//! in one way, and no command may reach its server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use pop3_test_server::{Builder, Security, Server};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Ran, Sandbox};

fn server() -> Builder {
    let server = Server::builder().user("mrose", "secret").messages(letters(1));
    server.security(Security::ImplicitTls)
}

/// The program on its way to a TLS server, believing nobody yet.
pub fn towards(sandbox: &Sandbox, port: u16) -> Pop3get {
    let server = format!("localhost:{port}");
    let args = ["-s", &*server, "-u", "mrose", "-m", "Mail", "--timeout", "5"];
    sandbox.pop3get(args).env("POP3GET_PASSWORD", "secret")
}

/// As `towards`, believing one authority.
fn believing(sandbox: &Sandbox, server: &Server, ca_pem: &str) -> Pop3get {
    fs::write(sandbox.path("ca.pem"), ca_pem).unwrap();
    towards(sandbox, server.address().port()).args(["--ca-file", "ca.pem"])
}

/// Refused with 69 and all of these words, before any command.
#[track_caller]
fn refuses(server: &Server, ran: &Ran, words: &[&str]) {
    for word in words {
        ran.fails(69, word);
    }
    assert_eq!(server.commands(), [""; 0]);
}

/// An authority of our own, in PEM, and what signs by it.
pub fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// A leaf and its key, in PEM.
pub fn leaf(
    issuer: &Issuer<'_, KeyPair>,
    say: impl Fn(&mut CertificateParams),
) -> (String, String) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    say(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

#[test]
fn each_refusal_says_names_issuer_dates_and_what_to_do() {
    let issuer = "issued by \"pop3-test-server authority\"";
    let asked = "(asked for localhost; it has localhost, 127.0.0.1, ::1;";
    let cases: [(Builder, &[&str]); 3] = [
        (
            server().certificate_expired(),
            &[
                "its certificate expired ",
                asked,
                issuer,
                "; valid from 2001-01-01 until 2002-01-01)\nhint: is the clock here right?",
            ],
        ),
        (
            server().certificate_not_yet_valid(),
            &[
                "its certificate is not valid yet",
                asked,
                issuer,
                "; valid from 3001-01-01 until 4096-01-01)\nhint: is the clock here right?",
            ],
        ),
        (
            server().certificate_names(&["other.example.org", "192.0.2.1"]),
            &[
                "its certificate is for another name (asked for localhost; it has other.example.org, 192.0.2.1;",
                issuer,
                "hint: is it the right server?",
            ],
        ),
    ];
    for (server, words) in cases {
        let (server, sandbox) = (server.start(), Sandbox::new());
        let ran = believing(&sandbox, &server, server.ca_pem()).run();
        refuses(&server, &ran, words);
    }
}

#[test]
fn an_unknown_issuer_is_refused_whoever_it_is() {
    let ((issuer, _), (_, trusted), sandbox) = (authority("a"), authority("b"), Sandbox::new());
    let by_stranger = leaf(&issuer, |_| {});
    let by_itself = {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    for (chain, key) in [by_stranger, by_itself] {
        let server = server().certificate_pem(&chain, &key).start();
        let words = ["its certificate comes from an unknown issuer", "\nhint: ", "--ca-file"];
        refuses(&server, &believing(&sandbox, &server, &trusted).run(), &words);
        refuses(&server, &towards(&sandbox, server.address().port()).run(), &words);
    }
}

#[test]
fn an_issuer_that_only_has_the_name_of_one_known_is_refused() {
    let ((forger, _), (_, trusted)) = (authority("ours"), authority("ours"));
    let (chain, key) = leaf(&forger, |_| {});
    let (server, sandbox) = (server().certificate_pem(&chain, &key).start(), Sandbox::new());
    let words = ["its certificate is not signed by the issuer known here by that name (asked for"];
    refuses(&server, &believing(&sandbox, &server, &trusted).run(), &words);
}

/// CVE-2009-2666, and CVE-2010-0562: neither is a name taken for its beginning,
/// nor does one reach the terminal as it is.
#[test]
fn a_name_with_a_nul_is_another_name_and_is_shown_without_harm() {
    let (issuer, ca) = authority("A\x1b[2J\u{202e}\u{e9}");
    let nul = SanType::DnsName("localhost\0.example.org".try_into().unwrap());
    let (chain, key) = leaf(&issuer, |params| params.subject_alt_names = vec![nul.clone()]);
    let (server, sandbox) = (server().certificate_pem(&chain, &key).start(), Sandbox::new());
    let ran = believing(&sandbox, &server, &ca).run();
    let words = ["it has localhost\u{fffd}.example.org; issued by \"A\u{fffd}[2J\u{fffd}\u{e9}\""];
    refuses(&server, &ran, &words);
}

/// Runs openssl, for what rcgen does not make.
pub fn openssl(sandbox: &Sandbox, args: &str) -> Option<()> {
    let run = Command::new("openssl").args(args.split(' ')).current_dir(sandbox.path("")).output();
    match run {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => panic!("{args}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("skipped: no weak certificate without openssl: {error}");
            None
        }
    }
}

/// `openssl s_server` with `cert` and `key` of a sandbox, for what rustls does not
/// speak.
pub struct OpensslServer {
    process: Child,
    pub port: u16,
}

impl OpensslServer {
    pub fn start(sandbox: &Sandbox, more: &[&str]) -> Self {
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "cert", "-key", "key"])
            // With -www it does not read, and end with, its standard input.
            .arg("-www")
            .args(more)
            .current_dir(sandbox.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut ports = said.filter_map(|it| it.strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok());
        let port = ports.next().unwrap();
        Self { process, port }
    }
}

impl Drop for OpensslServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A leaf for localhost with a good key, signed as told by an RSA authority with
/// so many bits.
fn weak_chain(sandbox: &Sandbox, bits: u32, hash: &str) -> Option<(String, String, String)> {
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap();
    fs::write(sandbox.path("san"), "subjectAltName=DNS:localhost\n").unwrap();
    let ca = format!(
        "req -x509 -newkey rsa:{bits} -nodes -keyout ca.key -out ca.pem -subj /CN=weak -days 30"
    );
    openssl(sandbox, &ca)?;
    openssl(
        sandbox,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out csr -subj /CN=x",
    )?;
    let sign = format!(
        "x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san -days 30 -out leaf -{hash}"
    );
    openssl(sandbox, &sign)?;
    Some((read("leaf") + &read("ca.pem"), read("key"), read("ca.pem")))
}

#[test]
fn a_weak_signature_or_key_in_the_chain_is_refused() {
    for (bits, hash, words) in [
        (2048, "sha256", None),
        (2048, "sha1", Some("is signed by an algorithm that is too weak or unknown")),
        (1024, "sha256", Some("rests on an RSA key of 1024 bits, which is too weak")),
    ] {
        let sandbox = Sandbox::new();
        let Some((chain, key, ca)) = weak_chain(&sandbox, bits, hash) else { return };
        let server = server().certificate_pem(&chain, &key).start();
        let ran = believing(&sandbox, &server, &ca).run();
        match words {
            None => ran.is_silent(),
            Some(words) => refuses(&server, &ran, &[words, "hint: the server's operator has to"]),
        }
    }
}

#[test]
fn a_weak_key_of_the_server_itself_is_refused() {
    let sandbox = Sandbox::new();
    let made = openssl(
        &sandbox,
        "req -x509 -newkey rsa:1024 -nodes -keyout key -out cert -subj /CN=x -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -days 9",
    );
    if made.is_none() {
        return;
    }
    let server = OpensslServer::start(&sandbox, &["-cipher", "DEFAULT@SECLEVEL=0"]);
    let ran = towards(&sandbox, server.port).args(["--ca-file", "cert"]).run();
    ran.fails(69, "rests on an RSA key of 1024 bits, which is too weak (asked for localhost;");
}

/// The pin that a refusal tells of.
pub fn told_pin(ran: &Ran) -> String {
    let (_, rest) = ran.stderr.split_once("; the server's key is ").unwrap();
    rest[..rest.find(')').unwrap()].to_owned()
}

const WRONG_PIN: &str = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The pin of a certificate's key, by openssl alone.
pub fn openssl_pin(sandbox: &Sandbox, certificate: &str) -> Option<String> {
    fs::write(sandbox.path("leaf.pem"), certificate).unwrap();
    openssl(sandbox, "x509 -in leaf.pem -noout -pubkey -out leaf.pub")?;
    openssl(sandbox, "pkey -pubin -in leaf.pub -outform der -out leaf.der")?;
    openssl(sandbox, "dgst -sha256 -binary -out leaf.hash leaf.der")?;
    openssl(sandbox, "base64 -in leaf.hash -out leaf.pin")?;
    let pin = fs::read_to_string(sandbox.path("leaf.pin")).unwrap();
    Some(format!("sha256:{}", pin.trim_end()))
}

#[test]
fn a_pin_adds_to_verification() {
    let (issuer, ca) = authority("ours");
    let (chain, key) = leaf(&issuer, |_| {});
    let (server, sandbox) = (server().certificate_pem(&chain, &key).start(), Sandbox::new());
    let run = |pins: &[&str]| {
        let pins = pins.iter().flat_map(|pin| ["--tls-pin", pin]);
        believing(&sandbox, &server, &ca).args(pins).run()
    };
    let ran = run(&[WRONG_PIN]);
    let words = ["its certificate has none of the keys that are pinned", "hint: if its operator"];
    refuses(&server, &ran, &words);
    let pin = told_pin(&ran);
    if let Some(expected) = openssl_pin(&sandbox, &chain) {
        assert_eq!(pin, expected);
    }
    run(&[&pin]).is_silent();
    run(&[WRONG_PIN, &pin]).is_silent();
    run(&[&pin, WRONG_PIN]).is_silent();
    // The right key does not help a chain that nobody believes.
    let ran = towards(&sandbox, server.address().port()).args(["--tls-pin", &pin]).run();
    ran.fails(69, "comes from an unknown issuer");
}

#[test]
fn the_right_key_does_not_help_an_expired_certificate_that_authorities_vouch_for() {
    let (server, sandbox) = (server().certificate_expired().start(), Sandbox::new());
    let alone = ["--tls-roots", "none", "--tls-pin", WRONG_PIN];
    let pin = told_pin(&towards(&sandbox, server.address().port()).args(alone).run());
    let ran = believing(&sandbox, &server, server.ca_pem()).args(["--tls-pin", &pin]).run();
    refuses(&server, &ran, &["its certificate expired"]);
}

#[test]
fn a_pin_alone_needs_no_authority_no_date_and_no_name() {
    for server in [
        server(),
        server().certificate_expired(),
        server().certificate_names(&["other.example.org"]),
        server().certificate_names(&["other.example.org"]).tls12_only(),
    ] {
        let (server, sandbox) = (server.start(), Sandbox::new());
        let run = |pin: &str| {
            let alone = ["--tls-roots", "none", "--tls-pin", pin];
            towards(&sandbox, server.address().port()).args(alone).run()
        };
        let ran = run(WRONG_PIN);
        refuses(&server, &ran, &["its certificate has none of the keys that are pinned"]);
        run(&told_pin(&ran)).is_silent();
    }
}

/// Anybody can show a certificate; its key is proved by the handshake.
#[test]
fn who_shows_the_pinned_certificate_without_its_key_is_refused() {
    let (issuer, ca) = authority("ours");
    let ((chain, key), (_, another)) = (leaf(&issuer, |_| {}), leaf(&issuer, |_| {}));
    let sandbox = Sandbox::new();
    let honest = server().certificate_pem(&chain, &key).start();
    let wrong = ["--tls-pin", WRONG_PIN];
    let pin = told_pin(&believing(&sandbox, &honest, &ca).args(wrong).run());
    for thief in [server(), server().tls12_only()] {
        let thief = thief.certificate_pem(&chain, &another).start();
        let alone = ["--tls-roots", "none", "--tls-pin", &pin];
        let ran = towards(&sandbox, thief.address().port()).args(alone).run();
        refuses(&thief, &ran, &["its certificate belongs to a key that it does not prove to have"]);
        let ran = believing(&sandbox, &thief, &ca).run();
        refuses(&thief, &ran, &["belongs to a key that it does not prove to have"]);
    }
}

#[test]
fn pins_stand_in_the_configuration_alone_or_in_a_list() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let run = |pin: &str| {
        let port = server.address().port();
        sandbox.configure(&format!(
            "[defaults]\ntls-roots = \"none\"\n[account.a]\nserver = \"localhost:{port}\"\nuser = \"mrose\"\nmaildir = \"~/Mail\"\ntls-pin = {pin}\n"
        ));
        sandbox.pop3get(["a"]).env("POP3GET_PASSWORD", "secret").run()
    };
    let pin = told_pin(&run(&format!("{WRONG_PIN:?}")));
    run(&format!("{pin:?}")).is_silent();
    run(&format!("[{WRONG_PIN:?}, {pin:?}]")).is_silent();
    run("[]").fails(64, "no server could be believed");
    run("\"sha1:x\"")
        .fails(78, "config.toml:7: [account.a]: `tls-pin`: a pin is sha256: and 44 characters");
}

#[test]
fn what_excludes_each_other_is_refused_before_connecting() {
    let sandbox = Sandbox::new();
    for (args, sentence) in [
        (&["--tls-roots", "none"][..], "with --tls-roots none and no --tls-pin no server could be"),
        (
            &["--tls", "none", "--tls-pin", WRONG_PIN],
            "--tls-pin demands a key, and with --tls none",
        ),
        (&["--tls-roots", "system", "--ca-file", "x"], "cannot be used with"),
        (&["--tls-pin", "x"], "invalid value 'x' for '--tls-pin <PIN>': a pin is sha256:"),
        (&["--client-key", "x"], "--client-key needs --client-cert"),
    ] {
        towards(&sandbox, 1).args(args).run().fails(64, sentence);
    }
}

#[test]
fn the_systems_authorities_are_believed_when_asked_for() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fs::write(sandbox.path("system.pem"), server.ca_pem()).unwrap();
    let run = |file: &str| {
        let run = towards(&sandbox, server.address().port()).args(["--tls-roots", "system"]);
        run.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", "/nonexistent").run()
    };
    run("system.pem").is_silent();
    let ran = run("/nonexistent");
    ran.fails(78, "cannot use the system's certificate authorities: ");
    assert!(ran.stderr.contains("\nhint: install ca-certificates"), "{ran:?}");
    let ran = towards(&sandbox, server.address().port()).env("SSL_CERT_FILE", "system.pem").run();
    ran.fails(69, "its certificate comes from an issuer that only the operating system knows");
    assert!(ran.stderr.ends_with("\nhint: use --tls-roots system\n"), "{ran:?}");
}

/// A certificate for clients, as two files in the sandbox.
fn client(sandbox: &Sandbox, issuer: &Issuer<'_, KeyPair>) {
    let (chain, key) = leaf(issuer, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    fs::write(sandbox.path("client.pem"), &chain).unwrap();
    sandbox.secret("client.key", &key);
    sandbox.secret("both.pem", &(chain + &key));
}

#[test]
fn a_client_certificate_opens_a_server_that_demands_one() {
    let (issuer, ca) = authority("clients");
    for server in [server(), server().tls12_only()] {
        let (server, sandbox) = (server.client_certificates_required(&ca).start(), Sandbox::new());
        client(&sandbox, &issuer);
        let run = |more: &[&str]| believing(&sandbox, &server, server.ca_pem()).args(more).run();
        run(&["--client-cert", "client.pem", "--client-key", "client.key"]).is_silent();
        run(&["--client-cert", "both.pem"]).is_silent();
    }
}

#[test]
fn a_missing_or_unwelcome_client_certificate_is_said_to_be_that() {
    let ((_, ca), (stranger, _)) = (authority("clients"), authority("strangers"));
    for server in [server(), server().tls12_only()] {
        let (server, sandbox) = (server.client_certificates_required(&ca).start(), Sandbox::new());
        client(&sandbox, &stranger);
        let run = |more: &[&str]| believing(&sandbox, &server, server.ca_pem()).args(more).run();
        let words = ["the server demands a client certificate\nhint: name it with --client-cert"];
        refuses(&server, &run(&[]), &words);
        let ran = run(&["--client-cert", "client.pem", "--client-key", "client.key"]);
        refuses(&server, &ran, &["the server refuses our client certificate\nhint: ask the"]);
    }
}

/// There the first command is under way before the answer to the handshake comes,
/// and may break the connection first.
#[test]
fn a_missing_client_certificate_shows_after_stls_too() {
    let (_, ca) = authority("clients");
    let server = server().security(Security::Stls).client_certificates_required(&ca).start();
    let sandbox = Sandbox::new();
    for _ in 0..5 {
        let run = believing(&sandbox, &server, server.ca_pem()).args(["--tls", "starttls"]);
        run.run().fails(69, "the server demands a client certificate");
    }
}

#[test]
fn a_client_key_is_read_as_carefully_as_a_password() {
    use std::os::unix::fs::PermissionsExt as _;
    let ((issuer, _), sandbox) = (authority("clients"), Sandbox::new());
    client(&sandbox, &issuer);
    let mode = |name: &str, mode| {
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("both.pem", 0o640);
    let (_, another) = leaf(&issuer, |_| {});
    sandbox.secret("another.key", &another);
    let label = "ENCRYPTED PRIVATE KEY";
    let encrypted = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    sandbox.secret("encrypted.key", &encrypted);
    sandbox.secret("empty", "");
    for (files, sentence) in [
        (
            ["both.pem", "both.pem"],
            "others may read the private key in both.pem; make it `chmod 600`",
        ),
        (["client.pem", "none"], "cannot read the private key from none: No such file"),
        (["none", "client.key"], "cannot read the client certificate from none: No such file"),
        (["client.pem", "empty"], "there is no private key in it that can be read"),
        (["empty", "client.key"], "there is no certificate in it"),
        (["client.pem", "encrypted.key"], "the private key in encrypted.key is encrypted, and"),
        (["client.pem", "another.key"], "cannot use the client certificate in client.pem: "),
    ] {
        let [chain, key] = files;
        let ran = towards(&sandbox, 1).args(["--client-cert", chain, "--client-key", key]).run();
        ran.fails(78, sentence);
    }
    // Where nobody is connected to, nobody needs it.
    let state = ["--client-cert", "none", "--state", "list"];
    let ran = towards(&sandbox, 1).args(state).run();
    assert!(!ran.stderr.contains("certificate"), "{ran:?}");
}
