//! What lies in the maildrops: the same mail each time.
//!
//! # Invariants
//!
//! * Lines end in LF, as a Maildir has them; one message in ten lacks its last
//!   one, which Dovecot adds.

use pop3_test_server::corpus;

const SEED: u64 = 1939;
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The kinds of mail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mail {
    /// Of so many octets each.
    Large(usize),
    /// Of log-normal sizes, the median 32 KiB, up to 5 MiB.
    Mixed,
    /// Of 2 to 8 KiB.
    Small,
    /// Of some 200 octets.
    Tiny,
}

impl Mail {
    pub(crate) fn messages(self, count: usize) -> Box<dyn Iterator<Item = Vec<u8>>> {
        let mail: Box<dyn Iterator<Item = Vec<u8>>> = match self {
            Self::Large(octets) => {
                let mail = corpus::messages(count, SEED);
                Box::new(mail.map(move |message| stretched(&message, octets)))
            }
            Self::Mixed => {
                let mail = corpus::messages(count, SEED).zip(sizes());
                Box::new(mail.map(|(message, octets)| stretched(&message, octets)))
            }
            Self::Small => {
                let mail = corpus::messages(usize::MAX, SEED);
                Box::new(mail.filter(|it| (2 * KIB..=8 * KIB).contains(&it.len())))
            }
            Self::Tiny => Box::new((0..).map(tiny)),
        };
        Box::new(mail.take(count).enumerate().map(stored))
    }
}

/// As it lies in the Maildir of the server.
fn stored((number, mut message): (usize, Vec<u8>)) -> Vec<u8> {
    message.retain(|&octet| octet != b'\r');
    if number % 10 == 9 {
        message.pop();
    }
    message
}

fn tiny(number: usize) -> Vec<u8> {
    format!(
        "From: a{number}@example.org\r\nTo: b@example.org\r\nSubject: {number}\r\n\
         Date: Wed, 1 Jan 2025 00:00:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n\r\n\
         Message number {number}.\r\n"
    )
    .into_bytes()
}

/// The header and as many lines of the body, over and over, as it takes.
fn stretched(message: &[u8], octets: usize) -> Vec<u8> {
    let body = message.windows(4).position(|four| four == b"\r\n\r\n").expect("it has a body") + 4;
    let mut lines =
        message.get(body..).unwrap_or_default().split_inclusive(|&it| it == b'\n').cycle();
    let mut all = message.get(..body).unwrap_or_default().to_vec();
    all.reserve(octets);
    while all.len() < octets {
        all.extend_from_slice(lines.next().expect("corpus messages are not empty"));
    }
    all
}

/// Log-normal, by Box and Muller.
fn sizes() -> impl Iterator<Item = usize> {
    let mut state = SEED;
    let mut uniform = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let number = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        number
    };
    std::iter::repeat_with(move || {
        let (radius, angle) = (1.0 - uniform(), uniform());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        let drawn = (32.0 * 1024.0) * (1.6 * normal).exp();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and cut off below"
        )]
        let octets = drawn as usize;
        octets.clamp(KIB, 5 * MIB)
    })
}
