//! TLS 1.2 and 1.3 by rustls over one socket.
//!
//! Each connection has a configuration of its own: no session is resumed, and no
//! connection is used twice, so none can be taken over with the trust of another
//! (CVE-2026-8286). The peer before TLS is forgotten with the connection in
//! clear, which the handshake consumes.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error as TlsError, PeerIncompatible,
    ProtocolVersion,
};

use super::certificate::Certificate;
use super::end_point::end_point;
use super::error::{Error, Phase};
use super::options::Options;
use super::phase_timer::{PhaseTimer, READ_SIZE, in_slice, is_slice};
use super::refusal::{CertificateRefusal, RefusalReason};
use super::roots::Authorities;
use super::trust::{ClientCertResolver, Verifier, VerifyMode};
use crate::pin::Pin;

/// A TLS session and the socket below it.
#[derive(Debug)]
pub(super) struct TlsStream {
    session: ClientConnection,
    socket: BufReader<TcpStream>,
    host: String,
    verifier: Arc<Verifier>,
    introduction: Arc<ClientCertResolver>,
}

/// What a handshake has shown.
#[derive(Debug)]
pub struct Secured {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// The cipher suite's registered name.
    pub cipher_suite: &'static str,
    /// The server's certificate and those that vouch for it, as it sent them.
    pub chain: Vec<Certificate>,
    /// The pin of the server's key.
    pub pin: Option<Pin>,
    /// Why the chain is not believed; such a connection carries nothing.
    pub refusal: Option<CertificateRefusal>,
}

/// This machine's one provider, named, since the default panics where features
/// of two are unified.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl TlsStream {
    /// Shakes hands: on return the certificate is verified.
    pub(super) fn open(
        socket: TcpStream,
        options: &Options,
        authorities: Authorities,
        waiting: PhaseTimer,
    ) -> Result<Self, Error> {
        let introduction =
            ClientCertResolver { identity: options.identity.clone(), ..<_>::default() };
        let mut stream = Self::new(socket, options, authorities, introduction, VerifyMode::Binds)?;
        stream.shake_hands(options, waiting)?;
        Ok(stream)
    }

    /// Completes the handshake with any peer, without an identity of ours, says what
    /// was seen and hangs up: an unverified session never leaves this function.
    pub(super) fn inspect(
        socket: TcpStream,
        options: &Options,
        authorities: Authorities,
        waiting: PhaseTimer,
    ) -> Result<Secured, Error> {
        let (introduction, judgement) = (ClientCertResolver::default(), VerifyMode::IsRemembered);
        let mut stream = Self::new(socket, options, authorities, introduction, judgement)?;
        let shaken = stream.shake_hands(options, waiting);
        let seen = stream.secured();
        stream.say_goodbye();
        match (shaken, seen) {
            // Also where the server would have had a certificate of ours.
            (Ok(()) | Err(Error::ClientCertificate { .. }), Some(seen)) => Ok(seen),
            (Err(Error::Certificate(refusal)), Some(mut seen)) => {
                seen.refusal.get_or_insert(*refusal);
                Ok(seen)
            }
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(Error::Tls(TlsError::NoCertificatesPresented)),
        }
    }

    fn new(
        socket: TcpStream,
        options: &Options,
        authorities: Authorities,
        introduction: ClientCertResolver,
        judgement: VerifyMode,
    ) -> Result<Self, Error> {
        let host = options.host.clone();
        let name = ServerName::try_from(host.clone()).map_err(|_| Error::ServerName)?;
        let (provider, introduction) = (provider(), Arc::new(introduction));
        let verifier = Verifier::new(authorities, &options.pins, judgement, &provider)?;
        let verifier = Arc::new(verifier);
        let resolver = Arc::clone(&introduction);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_client_cert_resolver(resolver);
        let session = ClientConnection::new(Arc::new(config), name).map_err(Error::Tls)?;
        // rustls by itself reads 4 KiB at a time.
        let socket = BufReader::with_capacity(READ_SIZE, socket);
        Ok(Self { session, socket, host, verifier, introduction })
    }

    fn shake_hands(&mut self, options: &Options, waiting: PhaseTimer) -> Result<(), Error> {
        while self.session.is_handshaking() {
            // Each time: a trickle never lets a slice of waiting end.
            waiting.check(options)?;
            self.write_out(options, waiting)?;
            if !self.session.is_handshaking() {
                break;
            }
            if self.read_in(Phase::Handshake)? == Some(0) {
                return Err(Error::Closed { phase: Phase::Handshake });
            }
        }
        if options.speaks_first {
            // The end of the handshake waits for what goes with it.
            return Ok(());
        }
        self.write_out(options, waiting)
    }

    /// What TLS refuses, by whose fault it is. A certificate of ours that is
    /// missing or unwelcome shows at the first read after a handshake under TLS
    /// 1.3, and inside it under TLS 1.2.
    fn fault(&self, error: TlsError, phase: Phase) -> Error {
        match error {
            TlsError::InvalidCertificate(why) => {
                let (chain, pin) = self.presented();
                // The chain is judged first, then the proof of having its key.
                let reason = match self.verifier.presented() {
                    Some(it) if it.judged.is_ok() => RefusalReason::of_proof(&why, chain.first()),
                    Some(it) if it.is_known_to_system => RefusalReason::SystemOnly,
                    _ => RefusalReason::of_chain(&why, &chain, &self.host),
                };
                let (asked, certificate) = (self.host.clone(), chain.into_iter().next());
                Error::Certificate(Box::new(CertificateRefusal { reason, asked, certificate, pin }))
            }
            TlsError::AlertReceived(alert)
                if self.introduction.asked.load(Ordering::Relaxed) && is_about_us(alert) =>
            {
                Error::ClientCertificate { given: self.introduction.identity.is_some() }
            }
            TlsError::InvalidMessage(_) if phase == Phase::Handshake => Error::NotTls,
            error if is_about_version(&error) => Error::TlsTooOld,
            error if is_about_choice(&error) => Error::NothingInCommon,
            error => Error::Tls(error),
        }
    }

    fn presented(&self) -> (Vec<Certificate>, Option<Pin>) {
        let Some(presented) = self.verifier.presented() else { return Default::default() };
        let chain = presented.chain.iter().filter_map(|der| Certificate::read(der)).collect();
        (chain, presented.pin)
    }

    /// What the handshake has shown.
    pub(super) fn secured(&self) -> Option<Secured> {
        let version = match self.session.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "TLS 1.2",
            ProtocolVersion::TLSv1_3 => "TLS 1.3",
            _ => "TLS",
        };
        let cipher_suite = self.session.negotiated_cipher_suite()?.suite().as_str()?;
        let refusal = match self.verifier.presented()?.judged {
            Ok(()) => None,
            Err(error) => match self.fault(error, Phase::Handshake) {
                Error::Certificate(refusal) => Some(*refusal),
                _ => return None,
            },
        };
        let (chain, pin) = self.presented();
        Some(Secured { version, cipher_suite, chain, pin, refusal })
    }

    /// tls-exporter (RFC 9266). Without TLS 1.3 it would need the extended master
    /// secret, which rustls does not tell of.
    pub(super) fn exporter(&self) -> Option<[u8; 32]> {
        if self.session.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return None;
        }
        self.session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
    }

    /// tls-server-end-point (RFC 5929 section 4).
    pub(super) fn end_point(&self) -> Option<Vec<u8>> {
        end_point(self.session.peer_certificates()?.first()?)
    }

    /// Hands to TLS what one read from the socket brought, a piece at each call; `None` if
    /// there is nothing yet.
    fn read_in(&mut self, phase: Phase) -> Result<Option<usize>, Error> {
        let read = in_slice(self.session.read_tls(&mut self.socket), phase)?;
        if let Err(error) = self.session.process_new_packets() {
            // An alert says why we leave, if the peer still listens.
            let _ = self.session.write_tls(self.socket.get_mut());
            return Err(self.fault(error, phase));
        }
        Ok(read)
    }

    /// Decrypted octets; `None` if there are none yet, also where the records that one read
    /// brought have none, so that the caller looks at its clock.
    pub(super) fn read(&mut self, into: &mut [u8], phase: Phase) -> Result<Option<usize>, Error> {
        loop {
            match self.session.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return in_slice(read, phase),
            }
            if self.read_in(phase)?.is_none() {
                return Ok(None);
            }
            self.answer_key_update(phase)?;
            if self.socket.buffer().is_empty() {
                return in_slice(self.session.reader().read(into), phase);
            }
        }
    }

    /// Sends the answer to a key update, if there was one.
    fn answer_key_update(&mut self, phase: Phase) -> Result<(), Error> {
        if self.session.wants_write() {
            // An answer to a key update; what the socket does not take now goes
            // with the next command.
            match self.session.write_tls(self.socket.get_mut()) {
                Err(error) if !is_slice(&error) => return Err(Error::broken(phase, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Encrypts and sends everything.
    pub(super) fn send(
        &mut self,
        octets: &[u8],
        options: &Options,
        waiting: PhaseTimer,
    ) -> Result<(), Error> {
        let mut rest = octets;
        while !rest.is_empty() {
            let taken = self.session.writer().write(rest);
            let taken = taken.map_err(|error| Error::broken(waiting.phase, error))?;
            rest = rest.get(taken..).unwrap_or_default();
            self.write_out(options, waiting)?;
        }
        Ok(())
    }

    /// Encrypts and sends everything, and close_notify with it.
    pub(super) fn send_last(
        &mut self,
        octets: &[u8],
        options: &Options,
        waiting: PhaseTimer,
    ) -> Result<(), Error> {
        let written = self.session.writer().write_all(octets);
        written.map_err(|error| Error::broken(waiting.phase, error))?;
        self.session.send_close_notify();
        self.write_out(options, waiting)
    }

    /// The socket below.
    pub(super) fn socket(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// Sends what waits below the octets, such as the end of the handshake.
    pub(super) fn write_out(
        &mut self,
        options: &Options,
        waiting: PhaseTimer,
    ) -> Result<(), Error> {
        while self.session.wants_write() {
            match self.session.write_tls(self.socket.get_mut()) {
                Ok(_) => {}
                Err(error) if is_slice(&error) => waiting.check(options)?,
                Err(error) => return Err(Error::broken(waiting.phase, error)),
            }
        }
        Ok(())
    }

    /// close_notify, without waiting for the peer's.
    pub(super) fn say_goodbye(&mut self) {
        self.session.send_close_notify();
        let _ = self.session.write_tls(self.socket.get_mut());
    }
}

/// Whether a server speaks no version of TLS that we do.
fn is_about_version(error: &TlsError) -> bool {
    use PeerIncompatible::{ServerDoesNotSupportTls12Or13, ServerTlsVersionIsDisabledByOurConfig};
    matches!(
        error,
        TlsError::AlertReceived(AlertDescription::ProtocolVersion)
            | TlsError::PeerIncompatible(
                ServerDoesNotSupportTls12Or13 | ServerTlsVersionIsDisabledByOurConfig
            )
    )
}

/// Whether a server and we have no cipher suite, key exchange or signature in common.
/// A server that says so has not heard more of us than what we offer.
fn is_about_choice(error: &TlsError) -> bool {
    use PeerIncompatible::{
        NoCipherSuitesInCommon, NoKxGroupsInCommon, NoSignatureSchemesInCommon,
    };
    matches!(
        error,
        TlsError::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity
        ) | TlsError::PeerIncompatible(
            NoCipherSuitesInCommon | NoKxGroupsInCommon | NoSignatureSchemesInCommon
        )
    )
}

/// Whether an alert can be the answer to our certificate, or to its lack.
fn is_about_us(alert: AlertDescription) -> bool {
    use AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
        CertificateUnknown, DecryptError, HandshakeFailure, UnknownCA, UnsupportedCertificate,
    };
    matches!(
        alert,
        AccessDenied
            | BadCertificate
            | CertificateExpired
            | CertificateRequired
            | CertificateRevoked
            | CertificateUnknown
            | DecryptError
            | HandshakeFailure
            | UnknownCA
            | UnsupportedCertificate
    )
}
