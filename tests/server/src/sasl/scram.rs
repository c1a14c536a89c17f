//! SCRAM (RFC 5802, RFC 7677), with channel binding and without.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::bearer::name;
use super::{Context, Step, decode, encode, hex};
use crate::fault::{Kind, ScramLie};
use crate::service::Account;

/// Above this the server offers a number that it will not do itself.
const MOST_ITERATIONS: u32 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
}

/// The test's choice of what a server is free in; else the example's of no RFC.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// The server's part of the nonce, if fixed.
    pub(crate) nonce: Option<String>,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
    /// The types of channel binding taken.
    pub(crate) bindings: Vec<String>,
}

impl Default for Choice {
    fn default() -> Self {
        let bindings = ["tls-exporter", "tls-server-end-point"];
        Self {
            nonce: None,
            salt: b"pop3-test-server".to_vec(),
            // The least that RFC 7677 section 4 recommends.
            iterations: 4096,
            bindings: bindings.map(str::to_owned).to_vec(),
        }
    }
}

/// What was said so far.
#[derive(Debug)]
pub(crate) struct Scram {
    hash: Hash,
    plus: bool,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    /// The server's first message was sent.
    Asked(Asked),
    /// The server's last one was.
    Signed(Vec<u8>),
}

#[derive(Debug)]
struct Asked {
    user: Vec<u8>,
    /// What the client has to say in `c=`.
    binding: Vec<u8>,
    nonce: Vec<u8>,
    /// The client's first message without its header, and the server's.
    so_far: Vec<u8>,
}

impl Scram {
    pub(super) fn new(hash: Hash, plus: bool) -> Self {
        Self { hash, plus, state: State::Start }
    }

    pub(super) fn next(&mut self, context: Context<'_>, response: &[u8]) -> Step {
        match std::mem::take(&mut self.state) {
            State::Start => match self.ask(context, response) {
                Ok((asked, message)) => {
                    self.state = State::Asked(asked);
                    Step::Challenge(message)
                }
                Err(why) => Step::Refused(why),
            },
            State::Asked(asked) => match self.check(context, &asked, response) {
                Ok(Some(signature)) => self.sign(context, asked.user, signature),
                Ok(None) => Step::Wrong,
                Err(why) => Step::Refused(why),
            },
            State::Signed(user) if response.is_empty() => Step::Proven(user),
            State::Signed(_) => Step::Refused("nothing more to say"),
        }
    }

    /// Client first, server first.
    fn ask(&self, context: Context<'_>, response: &[u8]) -> Result<(Asked, Vec<u8>), &'static str> {
        const SYNTAX: &str = "not a first message of SCRAM";
        let mut parts = response.splitn(3, |&octet| octet == b',');
        let flag = parts.next().unwrap_or_default();
        let acts_as = parts.next().unwrap_or_default();
        let bare = parts.next().ok_or(SYNTAX)?;
        let header = response.get(..flag.len() + acts_as.len() + 2).ok_or(SYNTAX)?;
        let mut attributes = bare.split(|&octet| octet == b',');
        let mut attribute = |letter: &[u8]| attributes.next()?.strip_prefix(letter);
        let user = attribute(b"n=").and_then(name).ok_or(SYNTAX)?;
        let theirs = attribute(b"r=").ok_or(SYNTAX)?;
        match acts_as.strip_prefix(b"a=") {
            None if acts_as.is_empty() => {}
            Some(acts_as) if name(acts_as).as_ref() == Some(&user) => {}
            _ => return Err("nobody may act as somebody else"),
        }
        let binding = [header, self.binding(context, flag)?].concat();
        let (nonce, message) = context.first_message(theirs);
        let so_far = [bare, b",", &message].concat();
        Ok((Asked { user, binding, nonce, so_far }, message))
    }

    /// What binds this exchange to this channel, if the client's flag is right.
    fn binding<'a>(&self, context: Context<'a>, flag: &[u8]) -> Result<&'a [u8], &'static str> {
        match (flag, self.plus) {
            (b"n", false) => Ok(b""),
            // RFC 5802 section 6: somebody took our -PLUS out of the list.
            (b"y", false) if context.encrypted && self.is_announced(context) => {
                Err("server does support channel binding")
            }
            (b"y", false) => Ok(b""),
            ([b'p', b'=', kind @ ..], true) => {
                let unsupported = "unsupported channel binding type";
                let taken = &context.service.scram.bindings;
                if !taken.iter().any(|taken| taken.as_bytes() == kind) {
                    return Err(unsupported);
                }
                match kind {
                    b"tls-exporter" => context.exporter.ok_or(unsupported),
                    b"tls-server-end-point" => Ok(&context.service.identity.end_point),
                    _ => Err(unsupported),
                }
            }
            _ => Err("channel binding not as the mechanism has it"),
        }
    }

    fn is_announced(&self, context: Context<'_>) -> bool {
        let plus = if self.hash == Hash::Sha1 { "SCRAM-SHA-1-PLUS" } else { "SCRAM-SHA-256-PLUS" };
        context.service.offer.mechanisms.iter().any(|name| name == plus)
    }

    /// Client final: the server's signature, or `None` if the proof is none.
    fn check(
        &self,
        context: Context<'_>,
        asked: &Asked,
        response: &[u8],
    ) -> Result<Option<Vec<u8>>, &'static str> {
        const SYNTAX: &str = "not a final message of SCRAM";
        let cut = response.windows(3).rposition(|three| three == b",p=").ok_or(SYNTAX)?;
        let (unproven, proof) = response.split_at(cut);
        let proof = proof.get(3..).and_then(decode).ok_or(SYNTAX)?;
        let mut attributes = unproven.split(|&octet| octet == b',');
        let mut attribute = |letter: &[u8]| attributes.next()?.strip_prefix(letter);
        let binding = attribute(b"c=").and_then(decode).ok_or(SYNTAX)?;
        let nonce = attribute(b"r=").ok_or(SYNTAX)?;
        let elsewhere = context.faults.any(|kind| matches!(kind, Kind::BindingDiffers));
        if binding != asked.binding || (self.plus && elsewhere) {
            return Err("channel bindings don't match");
        }
        if nonce != asked.nonce || context.service.scram.iterations > MOST_ITERATIONS {
            return Err("other error");
        }
        let message = [&asked.so_far, &b","[..], unproven].concat();
        let account = context.service.account(&asked.user);
        Ok(account.and_then(|account| self.verify(context, account, &message, &proof)))
    }

    /// RFC 5802 section 3, letter by letter.
    fn verify(
        &self,
        context: Context<'_>,
        account: &Account,
        message: &[u8],
        proof: &[u8],
    ) -> Option<Vec<u8>> {
        let hash = self.hash;
        let choice = &context.service.scram;
        let salted = hash.hi(account.password.as_bytes(), &choice.salt, choice.iterations);
        let stored_key = hash.digest(&hash.hmac(&salted, b"Client Key"));
        let signature = hash.hmac(&stored_key, message);
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(p, s)| p ^ s).collect();
        let proven = proof.len() == signature.len() && hash.digest(&client_key) == stored_key;
        proven.then(|| hash.hmac(&hash.hmac(&salted, b"Server Key"), message))
    }

    /// Server final. POP3 has no room for it in the +OK (RFC 5034 section 4), so
    /// the client has to respond with nothing.
    fn sign(&mut self, context: Context<'_>, user: Vec<u8>, mut signature: Vec<u8>) -> Step {
        if lies(context, ScramLie::NoSignature) {
            return Step::Proven(user);
        }
        if lies(context, ScramLie::Signature) {
            signature.iter_mut().for_each(|octet| *octet ^= 1);
        }
        self.state = State::Signed(user);
        Step::Challenge(format!("v={}", encode(&signature)).into_bytes())
    }
}

impl Context<'_> {
    /// The whole nonce, and the server's first message with it.
    fn first_message(&self, theirs: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let choice = &self.service.scram;
        let fresh = || hex(&Sha256::digest(self.timestamp));
        let ours = choice.nonce.clone().unwrap_or_else(fresh);
        let theirs = if lies(*self, ScramLie::Nonce) { &b"somebody-else's"[..] } else { theirs };
        let nonce = [theirs, ours.as_bytes()].concat();
        let rest = format!(",s={},i={}", encode(&choice.salt), choice.iterations);
        let message = [b"r=", &*nonce, rest.as_bytes()].concat();
        (nonce, message)
    }
}

fn lies(context: Context<'_>, lie: ScramLie) -> bool {
    context.faults.any(|kind| matches!(kind, Kind::Scram(which) if *which == lie))
}

impl Hash {
    fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(octets).to_vec(),
            Self::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
            let mac = <M as KeyInit>::new_from_slice(key).expect("keys of any length");
            mac.chain_update(message).finalize().into_bytes().to_vec()
        }
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, message),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, message),
        }
    }

    fn hi(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        match self {
            Self::Sha1 => {
                pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, salt, iterations).to_vec()
            }
            Self::Sha256 => {
                pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, iterations).to_vec()
            }
        }
    }
}
