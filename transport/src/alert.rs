//! What a server means that ends TLS with an alert about the client's certificate, in the words of a merchant.

use std::error::Error;
use std::io;

use rustls::AlertDescription::{
    self, AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
    CertificateUnknown, DecryptError, HandshakeFailure, NoCertificate, UnknownCA, UnsupportedCertificate,
};

/// The likely cause and its remedy, where an error is such an alert, or one is inside it.
pub(crate) fn remedy(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(rustls::Error::AlertReceived(alert)) = error.downcast_ref() {
        return likely(*alert);
    }
    // What an error of I/O holds is not its source.
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inside.and_then(|inside| remedy(inside)).or_else(|| remedy(error.source()?))
}

fn likely(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        CertificateRequired | NoCertificate => {
            "the server wants the merchant's certificate and was shown none; give it with Settings::identity, and only \
             to requests that have the mark ClientCertificate it is shown"
        }
        // TLS 1.2 has no word for a certificate that is missing.
        HandshakeFailure => {
            "the server wants the merchant's certificate and was shown none, or there is no cipher that both have"
        }
        BadCertificate | UnsupportedCertificate | CertificateUnknown | DecryptError => {
            "the server refuses the merchant's certificate; take the newest one of this mch_id from the merchant platform"
        }
        UnknownCA => {
            "the server does not know who issued the merchant's certificate; it may be one for tests, or of another \
             system: take the one of this mch_id from the merchant platform"
        }
        CertificateExpired => {
            "the server finds the merchant's certificate expired; take a new one from the merchant platform, and look \
             whether the clocks are right"
        }
        CertificateRevoked => {
            "the merchant's certificate was revoked, as happens some days after a new one was made; take the newest one \
             from the merchant platform"
        }
        AccessDenied => {
            "the server knows the merchant's certificate and does not admit it; look whether it is of this mch_id, and \
             whether the merchant may use this product"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause;

    fn received(alert: AlertDescription) -> rustls::Error {
        rustls::Error::AlertReceived(alert)
    }

    #[test]
    fn alerts_about_the_certificate_tell_cause_and_remedy() {
        for (alert, part) in [
            (CertificateRequired, "was shown none; give it with Settings::identity"),
            (NoCertificate, "was shown none; give it with Settings::identity"),
            (HandshakeFailure, "was shown none, or there is no cipher"),
            (BadCertificate, "refuses the merchant's certificate"),
            (UnsupportedCertificate, "refuses the merchant's certificate"),
            (CertificateUnknown, "refuses the merchant's certificate"),
            (DecryptError, "refuses the merchant's certificate"),
            (UnknownCA, "does not know who issued the merchant's certificate"),
            (CertificateExpired, "certificate expired; take a new one"),
            (CertificateRevoked, "certificate was revoked"),
            (AccessDenied, "does not admit it; look whether it is of this mch_id"),
        ] {
            let shown = Cause::new(received(alert)).to_string();
            assert!(shown.starts_with("received fatal alert: ") && shown.contains(part), "{shown}");
        }
        for error in [
            received(AlertDescription::ProtocolVersion),
            received(AlertDescription::UnrecognisedName),
            rustls::Error::NoCertificatesPresented,
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer),
        ] {
            let shown = error.to_string();
            assert_eq!(Cause::new(error).to_string(), shown, "it is not the server that refuses");
        }
    }

    #[test]
    fn however_deep_the_alert_lies() {
        #[derive(Debug, thiserror::Error)]
        #[error("connection error")]
        struct Outer(#[source] io::Error);
        let io = || io::Error::new(io::ErrorKind::InvalidData, received(UnknownCA));
        for cause in [
            Cause::new(io()),
            Cause::new(io::Error::other(io())),
            Cause::new(Outer(io())),
            Cause::new(io::Error::other(Outer(io()))),
            Cause::new(Box::<dyn Error + Send + Sync>::from(io())),
        ] {
            let shown = cause.to_string();
            assert_eq!(shown.matches("UnknownCA").count(), 1, "{shown}");
            assert_eq!(shown.matches("take the one of this mch_id").count(), 1, "{shown}");
        }
        // After a text so long that it is cut.
        #[derive(Debug, thiserror::Error)]
        #[error("{}", "x".repeat(400))]
        struct Long(#[source] io::Error);
        let shown = Cause::new(Long(io())).to_string();
        assert!(shown.starts_with("xxx") && shown.ends_with("from the merchant platform"), "{shown}");
    }
}
