//! How a test describes its server.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::capability::Offer;
use crate::fault::Fault;
use crate::maildrop::Maildrop;
use crate::message::Message;
use crate::sasl::Choice;
use crate::server::Server;
use crate::service::{Account, Record, Service, Sockets};
use crate::tls::{Chain, Clients, Identity, Leaf, Validity};

/// How a connection is, or becomes, secure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (RFC 8314).
    ImplicitTls,
    /// No TLS.
    #[default]
    Plain,
    /// TLS after STLS (RFC 2595); who does not ask for it may log in in clear.
    Stls,
}

/// A server to be: [`Server::builder`] makes it, [`Builder::start`] starts it.
#[derive(Debug)]
pub struct Builder {
    accounts: Vec<Account>,
    autologout: Duration,
    faults: Vec<Fault>,
    leaf: Leaf,
    listen: SocketAddr,
    long_commands: bool,
    offer: Offer,
    scram: Choice,
    security: Security,
    timestamp: Option<String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            accounts: Vec::new(),
            // The least that RFC 1939 section 3 allows.
            autologout: Duration::from_secs(600),
            faults: Vec::new(),
            leaf: Leaf::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            long_commands: false,
            offer: Offer::default(),
            scram: Choice::default(),
            security: Security::default(),
            timestamp: None,
        }
    }
}

impl Builder {
    /// Adds a user with an empty maildrop in memory.
    #[must_use]
    pub fn user(mut self, user: &str, password: &str) -> Self {
        self.accounts.push(Account {
            user: user.to_owned(),
            password: password.to_owned(),
            token: None,
            maildrop: Maildrop::in_memory(),
        });
        self
    }

    fn last(&mut self) -> &mut Account {
        self.accounts.last_mut().expect("a user is named before his messages")
    }

    /// Gives the last user named a token, for XOAUTH2 and OAUTHBEARER.
    ///
    /// # Panics
    ///
    /// If no user was named.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.last().token = Some(token.to_owned());
        self
    }

    /// Adds a message to the maildrop of the last user named.
    ///
    /// # Panics
    ///
    /// If no user was named; so do [`Builder::messages`] and
    /// [`Builder::maildir`].
    #[must_use]
    pub fn message(self, uid: impl Into<Vec<u8>>, octets: impl Into<Vec<u8>>) -> Self {
        self.messages([Message::new(uid, octets)])
    }

    /// Adds messages to the maildrop of the last user named.
    #[must_use]
    pub fn messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        let maildrop = &self.last().maildrop;
        messages.into_iter().for_each(|message| maildrop.push(message));
        self
    }

    /// Gives the last user named a maildrop that another server has, or had.
    #[must_use]
    pub fn maildrop(mut self, maildrop: &Maildrop) -> Self {
        self.last().maildrop = maildrop.clone();
        self
    }

    /// Gives the last user named a Maildir for a maildrop.
    #[must_use]
    pub fn maildir(mut self, path: impl AsRef<Path>) -> Self {
        self.last().maildrop = Maildrop::in_directory(path.as_ref());
        self
    }

    /// Plain, implicit TLS or STLS.
    #[must_use]
    pub fn security(self, security: Security) -> Self {
        Self { security, ..self }
    }

    /// Leaves out a capability and what it stands for: UIDL, TOP, STLS, CAPA,
    /// USER (with PASS), SASL (with AUTH), RESP-CODES, AUTH-RESP-CODE; or APOP
    /// with the timestamp; or any other command. PIPELINING, EXPIRE and
    /// IMPLEMENTATION are words only.
    #[must_use]
    pub fn without(mut self, capability: &str) -> Self {
        self.offer.without.push(capability.to_owned());
        self
    }

    /// Leaves a capability out of CAPA only: it works nevertheless, as AOL's
    /// UIDL did.
    #[must_use]
    pub fn unannounced(mut self, capability: &str) -> Self {
        self.offer.unannounced.push(capability.to_owned());
        self
    }

    /// Announces a capability only once logged in, as Gmail does PIPELINING.
    #[must_use]
    pub fn announced_after_login(mut self, line: &str) -> Self {
        self.offer.after_login.push(line.to_owned());
        self
    }

    /// Adds a line to the reply to CAPA.
    #[must_use]
    pub fn capability_line(mut self, line: &str) -> Self {
        self.offer.lines.push(line.to_owned());
        self
    }

    /// The SASL mechanisms, in the order of the announcement, instead of PLAIN
    /// alone: LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256 and either with -PLUS,
    /// XOAUTH2, OAUTHBEARER, EXTERNAL. -PLUS and EXTERNAL are there under TLS
    /// only. Any other name is announced, and unknown when it is tried.
    #[must_use]
    pub fn mechanisms(mut self, names: &[&str]) -> Self {
        self.offer.mechanisms = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// The types of channel binding that -PLUS takes, instead of tls-exporter
    /// (under TLS 1.3) and tls-server-end-point.
    #[must_use]
    pub fn channel_bindings(mut self, kinds: &[&str]) -> Self {
        self.scram.bindings = kinds.iter().map(|&kind| kind.to_owned()).collect();
        self
    }

    /// The server's part of every nonce, against RFC 5802: for tests with a known
    /// answer.
    #[must_use]
    pub fn scram_nonce(mut self, nonce: &str) -> Self {
        self.scram.nonce = Some(nonce.to_owned());
        self
    }

    /// The salt of every password.
    #[must_use]
    pub fn scram_salt(mut self, salt: impl Into<Vec<u8>>) -> Self {
        self.scram.salt = salt.into();
        self
    }

    /// How often SCRAM's hash is to be taken, instead of 4096 times. Above a
    /// million the server says so, and does not do it.
    #[must_use]
    pub fn scram_iterations(mut self, iterations: u32) -> Self {
        self.scram.iterations = iterations;
        self
    }

    /// Takes commands longer than the 255 octets of RFC 2449 section 4.
    #[must_use]
    pub fn long_commands(self) -> Self {
        Self { long_commands: true, ..self }
    }

    /// How long messages are kept, instead of NEVER: `7`, `0`, `30 USER` (RFC 2449
    /// section 6.7). The server keeps them all the same, but see
    /// [`Fault::retrieved_vanish`].
    #[must_use]
    pub fn expire(mut self, argument: &str) -> Self {
        self.offer.expire = argument.to_owned();
        self
    }

    /// Has the command UTF8 (RFC 6856 section 2) and announces it. Names and
    /// passwords that are not ASCII are refused.
    #[must_use]
    pub fn utf8(mut self) -> Self {
        self.offer.utf8 = Some("");
        self
    }

    /// As [`Builder::utf8`], and names and passwords may be UTF-8.
    #[must_use]
    pub fn utf8_user(mut self) -> Self {
        self.offer.utf8 = Some("USER");
        self
    }

    /// Has the command LANG (RFC 6856 section 3) with these languages, each a tag
    /// and its name; but all texts stay English.
    #[must_use]
    pub fn languages(mut self, languages: &[(&str, &str)]) -> Self {
        let owned = |&(tag, name): &(&str, &str)| (tag.to_owned(), name.to_owned());
        self.offer.languages = languages.iter().map(owned).collect();
        self
    }

    /// Refuses a login sooner than this after the last with `[LOGIN-DELAY]`,
    /// and announces the delay in whole seconds (RFC 2449 section 6.5).
    #[must_use]
    pub fn login_delay(mut self, seconds: u64) -> Self {
        self.offer.login_delay = seconds;
        self
    }

    /// How long a client may be silent; the RFC demands 10 minutes at least,
    /// which is what a server has if the test says nothing.
    #[must_use]
    pub fn autologout(self, autologout: Duration) -> Self {
        Self { autologout, ..self }
    }

    /// The same timestamp in every greeting and every challenge of CRAM-MD5,
    /// against the RFCs: for tests with a known answer.
    #[must_use]
    pub fn timestamp(self, timestamp: &str) -> Self {
        Self { timestamp: Some(timestamp.to_owned()), ..self }
    }

    /// The names, or addresses, in the certificate, instead of those of this
    /// host.
    #[must_use]
    pub fn certificate_names(mut self, names: &[&str]) -> Self {
        self.leaf.names = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// A certificate that ran out long ago.
    #[must_use]
    pub fn certificate_expired(mut self) -> Self {
        self.leaf.validity = Validity::Expired;
        self
    }

    /// A certificate of a time to come.
    #[must_use]
    pub fn certificate_not_yet_valid(mut self) -> Self {
        self.leaf.validity = Validity::NotYet;
        self
    }

    /// A certificate that runs out so many days from now.
    #[must_use]
    pub fn certificate_ends_in(mut self, days: u64) -> Self {
        self.leaf.validity = Validity::EndsIn(Duration::from_secs(days * 24 * 60 * 60));
        self
    }

    /// A certificate that no authority signed.
    #[must_use]
    pub fn certificate_self_signed(mut self) -> Self {
        self.leaf.chain = Chain::SelfSigned;
        self
    }

    /// The authority's certificate is sent behind the server's own, as many do
    /// against the advice of RFC 8446 section 4.4.2.
    #[must_use]
    pub fn certificate_with_authority(mut self) -> Self {
        self.leaf.chain = Chain::WithAuthority;
        self
    }

    /// This chain and this key, in PEM, instead of a certificate made at start.
    /// They need not belong together.
    #[must_use]
    pub fn certificate_pem(mut self, chain: &str, key: &str) -> Self {
        self.leaf.given = Some((chain.to_owned(), key.to_owned()));
        self
    }

    /// No TLS newer than 1.2.
    #[must_use]
    pub fn tls12_only(mut self) -> Self {
        self.leaf.tls12_only = true;
        self
    }

    /// Asks clients for a certificate that the authority with this certificate,
    /// in PEM, signed; its common name is the user of EXTERNAL.
    #[must_use]
    pub fn client_certificates(mut self, ca_pem: &str) -> Self {
        self.leaf.clients = Some(Clients { ca_pem: ca_pem.to_owned(), required: false });
        self
    }

    /// As [`Builder::client_certificates`], and no handshake without one.
    #[must_use]
    pub fn client_certificates_required(mut self, ca_pem: &str) -> Self {
        self.leaf.clients = Some(Clients { ca_pem: ca_pem.to_owned(), required: true });
        self
    }

    /// Where to listen, instead of a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { listen: address, ..self }
    }

    /// Adds something that goes wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Starts to listen.
    ///
    /// # Panics
    ///
    /// If the address cannot be had, or a certificate's name is none.
    pub fn start(self) -> Server {
        self.try_start().expect("a server starts")
    }

    /// As [`Builder::start`], for those who can say what is wrong.
    ///
    /// # Errors
    ///
    /// If the address cannot be had, or a certificate's name is none.
    pub fn try_start(self) -> Result<Server, Box<dyn std::error::Error>> {
        let service = Service {
            accounts: self.accounts,
            autologout: self.autologout,
            faults: self.faults,
            identity: Identity::generate(&self.leaf)?,
            long_commands: self.long_commands,
            offer: self.offer,
            record: Record::default(),
            scram: self.scram,
            security: self.security,
            sockets: Arc::new(Sockets::default()),
            timestamp: self.timestamp,
        };
        Ok(Server::run(TcpListener::bind(self.listen)?, service)?)
    }
}
