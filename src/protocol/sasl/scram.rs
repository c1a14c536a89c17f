//! SCRAM: client and server prove to each other that they know the password
//! (RFC 5802, with SHA-256 RFC 7677).
//!
//! ```text
//! client-first   gs2-header n=USER,r=NONCE
//! server-first   r=NONCE…,s=SALT,i=COUNT
//! client-final   c=BINDING,r=NONCE…,p=PROOF
//! server-final   v=SIGNATURE  or  e=WORDS
//! ```

mod hash;
mod server_message;

use subtle::ConstantTimeEq as _;

use super::binding::Binding;
use super::encoding::{decode, text};
use super::error::Error;
use super::mechanism::Mechanism;
use super::prepare::{self, push_saslname};
use crate::secret::Secret;

use hash::{Hash, Key};
use server_message::{Attributes, ServerFirst};

/// The client before the server's first message.
pub(super) struct Scram {
    hash: Hash,
    password: Secret,
    header: &'static str,
    channel: Vec<u8>,
    /// `client-first-message-bare`
    bare: Vec<u8>,
    nonce: String,
}

impl Scram {
    /// The nonce is printable ASCII without commas.
    pub(super) fn new(
        mechanism: Mechanism,
        user: &[u8],
        secret: &Secret,
        binding: &Binding,
        nonce: String,
    ) -> Result<Self, Error> {
        let hash = match mechanism {
            Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Hash::Sha1,
            _ => Hash::Sha256,
        };
        let (header, channel) = binding.header();
        if mechanism.is_plus() == channel.is_empty() {
            return Err(Error::Binding);
        }
        let mut bare = b"n=".to_vec();
        push_saslname(prepare::user(user)?.expose(), &mut bare);
        bare.extend_from_slice(b",r=");
        bare.extend_from_slice(nonce.as_bytes());
        let password = prepare::password(secret)?;
        Ok(Self { hash, password, header, channel: channel.to_vec(), bare, nonce })
    }

    /// `client-first-message`
    pub(super) fn first_message(&self) -> Secret {
        Secret::new([self.header.as_bytes(), &self.bare].concat())
    }

    /// `client-final-message`, and what the server has to answer (RFC 5802
    /// section 3).
    pub(super) fn last_message(&self, challenge: &[u8]) -> Result<(Secret, Signature), Error> {
        let hash = self.hash;
        let server = ServerFirst::parse(challenge)?;
        let ours = self.nonce.as_bytes();
        if !server.nonce.starts_with(ours) || server.nonce.len() == ours.len() {
            return Err(Error::Nonce);
        }
        let channel = text(&[self.header.as_bytes(), &self.channel].concat());
        let unproved = [b"c=", channel.as_bytes(), b",r=", server.nonce].concat();
        let signed = [&self.bare, challenge, &unproved].join(&b","[..]);

        let salted = hash.salted(self.password.expose(), &server.salt, server.iterations);
        let client_key = hash.hmac(&salted, b"Client Key");
        let stored_key = hash.hash(&client_key);
        let client_signature = hash.hmac(&stored_key, &signed);
        let server_key = hash.hmac(&salted, b"Server Key");
        let server_signature = hash.hmac(&server_key, &signed);

        let proof: Vec<u8> =
            client_key.iter().zip(client_signature.iter()).map(|(key, sign)| key ^ sign).collect();
        let message = [&unproved, &b",p="[..], text(&proof).as_bytes()].concat();
        Ok((Secret::new(message), Signature(server_signature)))
    }
}

/// The signature that the server has to send; it is never sent by us.
pub(super) struct Signature(Key);

impl Signature {
    /// Takes the server's last message.
    ///
    /// ```abnf
    /// server-final-message = (server-error / verifier) ["," extensions]
    /// ```
    pub(super) fn verify(&self, challenge: &[u8]) -> Result<(), Error> {
        let mut attributes = Attributes::new(challenge)?;
        let signature = decode(attributes.value(b'v')?).map_err(|_| Error::Malformed)?;
        attributes.extensions()?;
        if bool::from(signature.ct_eq(&self.0)) && !self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Signature)
        }
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn begin(mechanism: Mechanism, user: &str, password: &str, nonce: &str) -> Scram {
        let (secret, binding) = (Secret::new(password.into()), Binding::Impossible);
        Scram::new(mechanism, user.as_bytes(), &secret, &binding, nonce.into()).unwrap()
    }

    /// A whole exchange, and that no part of what the server says will do.
    #[track_caller]
    fn exchange(scram: &Scram, said: [&str; 4]) {
        let [first, server_first, last, server_last] = said;
        assert_eq!(scram.first_message().expose(), first.as_bytes());
        let (message, signature) = scram.last_message(server_first.as_bytes()).unwrap();
        assert_eq!(std::str::from_utf8(message.expose()), Ok(last));
        assert_eq!(signature.verify(server_last.as_bytes()), Ok(()));
        for cut in 0..server_first.len() {
            let cut = server_first.as_bytes().split_at(cut).0;
            assert!(scram.last_message(cut).is_err(), "{}", cut.escape_ascii());
        }
        for cut in 0..server_last.len() {
            let cut = server_last.as_bytes().split_at(cut).0;
            assert!(signature.verify(cut).is_err(), "{}", cut.escape_ascii());
        }
    }

    #[test]
    fn the_example_of_rfc_5802_section_5() {
        let scram = begin(Mechanism::ScramSha1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL");
        let said = [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ];
        exchange(&scram, said);
    }

    #[test]
    fn the_example_of_rfc_7677_section_3() {
        let scram = begin(Mechanism::ScramSha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        let said = [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ];
        exchange(&scram, said);
    }

    /// The user `a=b,` and the Roman numeral nine, the password `pâss`, with what
    /// Python's hashlib makes of it.
    #[track_caller]
    fn bound(mechanism: Mechanism, binding: &Binding, said: [&str; 4]) {
        let (user, secret) = ("a=b,\u{2168}", Secret::new("p\u{e2}ss".into()));
        let nonce = "AAECAwQFBgcICQoLDA0ODxAR".into();
        let scram = Scram::new(mechanism, user.as_bytes(), &secret, binding, nonce).unwrap();
        let [header, channel, proof, signature] = said;
        let first = format!("{header}n=a=3Db=2CIX,r=AAECAwQFBgcICQoLDA0ODxAR");
        let last = format!("c={channel},r=AAECAwQFBgcICQoLDA0ODxARsrv,p={proof}");
        let server = "r=AAECAwQFBgcICQoLDA0ODxARsrv,s=c2FsdA==,i=5000";
        exchange(&scram, [&first, server, &last, &format!("v={signature}")]);
    }

    #[test]
    fn the_channel_goes_into_the_proof() {
        let said = [
            "p=tls-exporter,,",
            "cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
            EXPORTER.0,
            EXPORTER.1,
        ];
        let octets = std::array::from_fn(|at| u8::try_from(at).unwrap());
        bound(Mechanism::ScramSha256Plus, &Binding::Exporter(octets), said);
        let said = [
            "p=tls-server-end-point,,",
            "cD10bHMtc2VydmVyLWVuZC1wb2ludCwsqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=",
            END_POINT.0,
            END_POINT.1,
        ];
        bound(Mechanism::ScramSha1Plus, &Binding::EndPoint(vec![0xaa; 32]), said);
        let said = ["y,,", "eSws", NOT_OFFERED.0, NOT_OFFERED.1];
        bound(Mechanism::ScramSha256, &Binding::NotOffered, said);
    }

    #[test]
    fn a_binding_and_a_plus_go_together_or_not_at_all() {
        let exporter = Binding::Exporter([1; 32]);
        for (mechanism, binding) in [
            (Mechanism::ScramSha256, exporter),
            (Mechanism::ScramSha1, Binding::EndPoint(vec![1])),
            (Mechanism::ScramSha256Plus, Binding::Impossible),
            (Mechanism::ScramSha256Plus, Binding::NotOffered),
            (Mechanism::ScramSha1Plus, Binding::EndPoint(Vec::new())),
        ] {
            let secret = Secret::new(b"s".to_vec());
            let scram = Scram::new(mechanism, b"u", &secret, &binding, "n".into());
            assert_eq!(scram.map(|_| ()), Err(Error::Binding), "{mechanism} {binding:?}");
        }
    }

    fn refused(challenge: &str) -> Error {
        let scram = begin(Mechanism::ScramSha256, "user", "pencil", "abc");
        scram.last_message(challenge.as_bytes()).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_nonce_has_to_continue_ours() {
        for wrong in ["abc", "ab", "abd123", "xabc1", "ABC1"] {
            let challenge = format!("r={wrong},s=c2FsdA==,i=4096");
            assert_eq!(refused(&challenge), Error::Nonce, "{wrong}");
        }
        for wrong in ["abc 1", "abc\x7f", "abc\u{e9}", "abc\0", ""] {
            let challenge = format!("r={wrong},s=c2FsdA==,i=4096");
            assert_eq!(refused(&challenge), Error::Malformed, "{wrong}");
        }
    }

    #[test]
    fn a_count_out_of_bounds_is_refused_before_it_is_counted() {
        for count in [1, 4095, 1_000_001, 4_294_967_296 + 4096, u64::MAX] {
            let challenge = format!("r=abc1,s=c2FsdA==,i={count}");
            assert_eq!(refused(&challenge), Error::Iterations(count));
        }
        for wrong in ["0", "04096", "+4096", "-4096", "4096 ", "0x1000", "", "18446744073709551616"]
        {
            let challenge = format!("r=abc1,s=c2FsdA==,i={wrong}");
            assert_eq!(refused(&challenge), Error::Malformed, "{wrong}");
        }
    }

    #[test]
    fn attributes_stand_in_their_order_and_none_is_missing() {
        for wrong in [
            "",
            ",",
            "r",
            "s=c2FsdA==,r=abc1,i=4096",
            "r=abc1,i=4096,s=c2FsdA==",
            "r=abc1,i=4096",
            "r=abc1,s=,i=4096",
            "r=abc1,s=c2FsdA,i=4096",
            "r=abc1,x=y,s=c2FsdA==,i=4096",
            "R=abc1,s=c2FsdA==,i=4096",
            " r=abc1,s=c2FsdA==,i=4096",
            "r=abc1,s=c2FsdA==,i=4096,",
            "r=abc1,s=c2FsdA==,i=4096,x",
            "r=abc1,s=c2FsdA==,i=4096,x=",
            "r=abc1,s=c2FsdA==,i=4096,1=y",
            "r=abc1,s=c2FsdA==,i=4096\n",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ] {
            assert_eq!(refused(wrong), Error::Malformed, "{wrong}");
        }
        for demand in ["m=x,r=abc1,s=c2FsdA==,i=4096", "r=abc1,s=c2FsdA==,i=4096,m=x"] {
            assert_eq!(refused(demand), Error::Extension, "{demand}");
        }
    }

    #[test]
    fn unknown_extensions_are_passed_over_and_signed() {
        let scram = begin(Mechanism::ScramSha1, "user", "pencil", "abc");
        let bare = scram.last_message(b"r=abc1,s=c2FsdA==,i=4096").unwrap();
        let more = scram.last_message(b"r=abc1,s=c2FsdA==,i=4096,x=y,z==,").map(|_| ());
        assert_eq!(more, Err(Error::Malformed));
        let more = scram.last_message(b"r=abc1,s=c2FsdA==,i=4096,x=y,z==").unwrap();
        assert_ne!(bare.0.expose(), more.0.expose());
        let line = |signature: &Signature| format!("v={},x=y", text(&signature.0));
        assert_eq!(bare.1.verify(line(&bare.1).as_bytes()), Ok(()));
        assert_eq!(bare.1.verify(line(&more.1).as_bytes()), Err(Error::Signature));
    }

    #[test]
    fn a_server_that_refuses_says_so_in_either_message() {
        let words = |words: &str| Error::Refused(words.as_bytes().into());
        assert_eq!(refused("e=unknown-user"), words("unknown-user"));
        let signature = Signature(Zeroizing::new(vec![1; 20]));
        let verify = |challenge: &str| signature.verify(challenge.as_bytes());
        assert_eq!(verify("e=invalid-proof,x=y"), Err(words("invalid-proof")));
        let of_binding = |it: &str| (words(it).is_without_binding(), words(it).is_of_binding());
        assert_eq!(of_binding("unsupported-channel-binding-type"), (true, true));
        assert_eq!(of_binding("channel-bindings-dont-match"), (false, true));
        assert_eq!(of_binding("server-does-support-channel-binding"), (false, true));
        assert_eq!(of_binding("invalid-proof"), (false, false));
        let shown = words("no\x1b[2J").to_string();
        assert_eq!(shown, "the server refused the proof: \"no\u{fffd}[2J\"");
    }

    #[test]
    fn only_the_whole_signature_is_one() {
        let signature = Signature(Zeroizing::new(vec![7; 20]));
        let verify = |octets: &[u8]| signature.verify(format!("v={}", text(octets)).as_bytes());
        assert_eq!(verify(&[7; 20]), Ok(()));
        for bit in 0..160 {
            let mut wrong = [7; 20];
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&wrong), Err(Error::Signature));
        }
        assert_eq!(verify(&[7; 19]), Err(Error::Signature));
        assert_eq!(verify(&[7; 21]), Err(Error::Signature));
        for wrong in ["", "v=", "v", "v=!", "V=BwcH", "p=BwcH", "v=BwcH,", "x=y,v=BwcH"] {
            assert_eq!(signature.verify(wrong.as_bytes()), Err(Error::Malformed), "{wrong}");
        }
        assert_eq!(signature.verify(b"m=x,v=BwcH"), Err(Error::Extension));
    }

    const EXPORTER: (&str, &str) = (
        "RRBAqYFwN8oo/ooOU6bUwHHz65Hwsw6+M/84g1SdzLA=",
        "z1aCK98PZrb2BGopcim+t7oPezndt5nr1XIcijK0qe4=",
    );
    const END_POINT: (&str, &str) =
        ("XUGRy5CsE1mkl+XfwALxFbJLDNw=", "pTZT9t/q0MPJlAAhESp47dazKHA=");
    const NOT_OFFERED: (&str, &str) = (
        "ANv6hmQhCdlHR2xcu+e7RgrdapoQdGEsghf5Nf0Rfvk=",
        "71K0uMPE2tbjwMXfAK16HR85IIc1q55MEiVpFf++cFo=",
    );
}
