//! What a server says in a login, beside the plainest reading of each mechanism.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use pop3get::protocol::sasl::{
    Binding, Error, Exchange, Initial, MAX_ITERATIONS, MIN_ITERATIONS, Mechanism, Setting, decode,
    encode,
};
use pop3get::protocol::{Continuation, StatusLine};
use pop3get::secret::Secret;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 section 4, six bits at a time.
fn base64_of(raw: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for group in raw.chunks(3) {
        let bits = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
        let bits = bits[0] << 16 | bits[1] << 8 | bits[2];
        for at in 0..4 {
            let character = ALPHABET[(bits >> (18 - 6 * at)) as usize % 64];
            line.push(if at <= group.len() { character } else { b'=' });
        }
    }
    line
}

/// What has that text, if anything has.
fn octets_of(line: &[u8]) -> Option<Vec<u8>> {
    let text = line.strip_suffix(b"==").or(line.strip_suffix(b"=")).unwrap_or(line);
    let (mut raw, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for character in text {
        let value = ALPHABET.iter().position(|it| it == character)?;
        (bits, count) = (bits << 6 | u32::try_from(value).ok()?, count + 6);
        if count >= 8 {
            count -= 8;
            raw.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    (base64_of(&raw) == line).then_some(raw)
}

/// Base64 is read where it is what writing it gives, and nowhere else.
pub fn base64(line: &[u8]) {
    let decoded = decode(line);
    assert_eq!(decoded.as_ref().ok(), octets_of(line).as_ref());
    if let Ok(raw) = decoded {
        assert_eq!(encode(&raw).expose(), line);
    }
    let encoded = encode(line);
    assert_eq!(encoded.expose(), base64_of(line));
    assert_eq!(decode(encoded.expose()).as_deref(), Ok(line));
}

/// A challenge is what follows a plus and a space, and no status line is one.
pub fn continuation(line: &[u8]) {
    let expected = line.strip_prefix(b"+ ").or((line == b"+").then_some(b""));
    assert_eq!(Continuation::parse(line).map(|it| it.challenge), expected);
    assert!(expected.is_none() || StatusLine::parse(line).is_err());
}

const USER: &str = "t,m=";
const SECRET: &[u8] = b"tanstaaf";
const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAAAA";
const CHANNEL: [u8; 32] = [7; 32];

/// What the plain reading has for an answer.
enum Step {
    /// To an empty challenge alone.
    Initial(Vec<u8>),
    /// To any challenge.
    Any(&'static [u8]),
    /// To any challenge; a success need not wait for it.
    Dismissal(&'static [u8]),
    CramMd5,
    ScramFirst,
    ScramLast,
}

fn initial_of(mechanism: Mechanism) -> Option<Vec<u8>> {
    let text = match mechanism {
        Mechanism::CramMd5 | Mechanism::Login => return None,
        Mechanism::External => USER.to_owned(),
        Mechanism::OAuthBearer => {
            "n,a=t=2Cm=3D,\x01host=h\x01port=995\x01auth=Bearer tanstaaf\x01\x01".to_owned()
        }
        Mechanism::Plain => format!("\0{USER}\0tanstaaf"),
        Mechanism::XOAuth2 => format!("user={USER}\x01auth=Bearer tanstaaf\x01\x01"),
        scram => format!("{}n=t=2Cm=3D,r={NONCE}", header(scram)),
    };
    Some(text.into_bytes())
}

fn steps(mechanism: Mechanism, initial: Initial) -> Vec<Step> {
    let asked = initial_of(mechanism).filter(|_| initial == Initial::WhenAsked);
    let mut steps: Vec<_> = asked.map(Step::Initial).into_iter().collect();
    match mechanism {
        Mechanism::CramMd5 => steps.push(Step::CramMd5),
        Mechanism::External | Mechanism::Plain => {}
        Mechanism::Login => steps.extend([Step::Any(USER.as_bytes()), Step::Any(SECRET)]),
        Mechanism::OAuthBearer => steps.push(Step::Dismissal(b"\x01")),
        Mechanism::XOAuth2 => steps.push(Step::Dismissal(b"")),
        _ => steps.extend([Step::ScramFirst, Step::ScramLast]),
    }
    steps
}

fn header(mechanism: Mechanism) -> &'static str {
    if mechanism.is_plus() { "p=tls-exporter,," } else { "y,," }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(key).unwrap().chain_update(text);
    mac.finalize().into_bytes().to_vec()
}

/// What the server's first message comes to.
enum Scram {
    Answered {
        said: Vec<u8>,
        signature: Vec<u8>,
    },
    Refused,
    /// It would be counted, and that takes too long here.
    Slow,
}

fn scram(mechanism: Mechanism, challenge: &[u8]) -> Scram {
    let parts: Vec<_> = challenge.split(|octet| *octet == b',').collect();
    let value = |at: usize, name: &[u8]| parts.get(at).and_then(|part| part.strip_prefix(name));
    let optional = |part: &&[u8]| {
        part.len() > 2 && part[0].is_ascii_alphabetic() && part[0] != b'm' && part[1] == b'='
    };
    let parsed = || {
        let nonce = value(0, b"r=")?;
        let new = nonce.strip_prefix(NONCE.as_bytes())?;
        let salt = value(1, b"s=").and_then(octets_of)?;
        let count = std::str::from_utf8(value(2, b"i=")?).ok()?;
        let rounds: u64 = count.parse().ok()?;
        let sound = !new.is_empty()
            && nonce.iter().all(u8::is_ascii_graphic)
            && !salt.is_empty()
            && rounds.to_string() == count
            && (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&rounds)
            && parts[3..].iter().all(optional);
        sound.then_some((nonce, salt, rounds))
    };
    let Some((nonce, salt, rounds)) = parsed() else { return Scram::Refused };
    let count = u32::try_from(rounds).ok().filter(|it| *it <= 8192);
    let Some(count) = count else { return Scram::Slow };
    let channel = if mechanism.is_plus() { &CHANNEL[..] } else { &[] };
    let channel = base64_of(&[header(mechanism).as_bytes(), channel].concat());
    let bare = format!("n=t=2Cm=3D,r={NONCE}");
    let last = [b"c=", &*channel, b",r=", nonce].concat();
    let signed = [bare.as_bytes(), challenge, &last].join(&b","[..]);
    let (proof, signature) = if mechanism.name().contains("SHA-1") {
        let key = pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(SECRET, &salt, count);
        let client = hmac::<Hmac<Sha1>>(&key, b"Client Key");
        let mask = hmac::<Hmac<Sha1>>(&Sha1::digest(&client), &signed);
        let server = hmac::<Hmac<Sha1>>(&key, b"Server Key");
        ((client, mask), hmac::<Hmac<Sha1>>(&server, &signed))
    } else {
        let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(SECRET, &salt, count);
        let client = hmac::<Hmac<Sha256>>(&key, b"Client Key");
        let mask = hmac::<Hmac<Sha256>>(&Sha256::digest(&client), &signed);
        let server = hmac::<Hmac<Sha256>>(&key, b"Server Key");
        ((client, mask), hmac::<Hmac<Sha256>>(&server, &signed))
    };
    let proof: Vec<_> = proof.0.iter().zip(proof.1).map(|(key, mask)| key ^ mask).collect();
    Scram::Answered { said: [&last, &b",p="[..], &base64_of(&proof)].concat(), signature }
}

/// Whether the server's last message has that signature, and nothing that spoils it.
fn proves(challenge: &[u8], signature: &[u8]) -> bool {
    let mut parts = challenge.split(|octet| *octet == b',');
    let verifier = parts.next().and_then(|part| part.strip_prefix(b"v="));
    verifier == Some(&base64_of(signature))
        && parts.all(|part| {
            part.len() > 2 && part[0].is_ascii_alphabetic() && part[0] != b'm' && part[1] == b'='
        })
}

/// Any sequence of challenges is answered as the plain reading says or ends the
/// exchange, and a success is believed where that reading has one. The first
/// octet is the mechanism; challenges are lines, and `v=?` in one is the signature
/// that would be right.
pub fn sasl(input: &[u8]) {
    let [choice, challenges @ ..] = input else { return };
    let choice = usize::from(choice.wrapping_sub(b'0'));
    let mechanism = Mechanism::ALL[choice % 10];
    let initial = [Initial::AtOnce, Initial::WhenAsked][choice / 10 % 2];
    let secret = Secret::new(SECRET.to_vec());
    let plus = Binding::Exporter(CHANNEL);
    let binding = if mechanism.is_plus() { plus } else { Binding::NotOffered };
    let user = USER.as_bytes();
    let setting = Setting { user, secret: &secret, binding, nonce: [0; 18], host: "h", port: 995 };
    let mut exchange = Exchange::new(mechanism, &setting).unwrap();
    let line = exchange.command(initial).encode();
    let said = initial_of(mechanism).filter(|_| initial == Initial::AtOnce);
    let said = said.map_or(String::new(), |it| format!(" {}", base64_of(&it).escape_ascii()));
    assert_eq!(*line, format!("AUTH {mechanism}{said}\r\n").into_bytes());

    let steps = steps(mechanism, initial);
    let (mut at, mut signature) = (0, Vec::new());
    for challenge in challenges.split(|octet| *octet == b'\n').take(8) {
        let right = [b"v=", &*base64_of(&signature)].concat();
        let rest = challenge.strip_prefix(b"v=?").filter(|_| !signature.is_empty());
        let challenge = rest.map_or(challenge.to_vec(), |rest| [&right, rest].concat());
        let expected = match steps.get(at) {
            None => None,
            Some(Step::Initial(said)) => challenge.is_empty().then(|| said.clone()),
            Some(Step::Any(said) | Step::Dismissal(said)) => Some(said.to_vec()),
            Some(Step::CramMd5) => (!challenge.is_empty()).then(|| {
                let digest = hmac::<Hmac<Md5>>(SECRET, &challenge);
                let digits: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("{USER} {digits}").into_bytes()
            }),
            Some(Step::ScramFirst) => match scram(mechanism, &challenge) {
                Scram::Answered { said, signature: server } => {
                    signature = server;
                    Some(said)
                }
                Scram::Refused => None,
                Scram::Slow => return,
            },
            Some(Step::ScramLast) => proves(&challenge, &signature).then(Vec::new),
        };
        let answer = exchange.respond(&challenge);
        let answer = answer.as_ref().map(Secret::expose);
        assert_eq!(answer.ok(), expected.as_deref(), "{mechanism}");
        if expected.is_none() {
            // Nothing makes up for it.
            assert_eq!(exchange.respond(&right).map(|_| ()), Err(Error::Unexpected));
            return assert!(exchange.finish().is_err());
        }
        at += 1;
    }
    let over = steps[at..].iter().all(|step| matches!(step, Step::Dismissal(_)));
    assert_eq!(exchange.awaits_challenge(), !over);
    assert_eq!(exchange.finish().is_ok(), over, "{mechanism}");
}
