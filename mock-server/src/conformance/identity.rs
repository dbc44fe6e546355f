//! TLS: the merchant's certificate goes with requests that are marked, and with no others.

use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};

use super::authority::{Authority, Demand, Failure, Validity};
use super::case::{Call, Case};
use super::handshake::HERE;
use super::script::{Step, answer, ok};
use super::server::Seen;

/// `merchants` made `certificate`, which transports of the suite have.
pub(super) fn cases(
    authority: &Authority,
    merchants: &Authority,
    certificate: &CertificateDer<'static>,
) -> Result<Vec<Case>, Failure> {
    let stranger = Authority::new("an authority of other clients")?;
    let mut cases = vec![missing(authority, merchants)?];
    for (name, version) in [("1.2", &TLS12), ("1.3", &TLS13)] {
        let server = |demand| authority.server(HERE, Validity::Now)?.config(&[version], demand);
        let optional = server(Demand::Optional(merchants))?;
        cases.extend(shown(name, &server(Demand::Required(merchants))?, &optional, certificate));
        cases.extend(refused(
            name,
            &server(Demand::Required(&stranger))?,
            &server(Demand::Required(merchants))?,
        ));
    }
    Ok(cases)
}

fn missing(authority: &Authority, merchants: &Authority) -> Result<Case, Failure> {
    let config =
        authority.server(HERE, Validity::Now)?.config(rustls::ALL_VERSIONS, Demand::Optional(merchants))?;
    let shows = "Without a certificate, a request that wants one is an error before anything is opened.";
    let case =
        Case::tls("certificate-missing", shows, config).reply([ok("1")]).not_sent().marked().connections(0);
    Ok(Case { anonymous: true, ..case })
}

fn shown(
    version: &str,
    required: &Arc<ServerConfig>,
    optional: &Arc<ServerConfig>,
    certificate: &CertificateDer<'static>,
) -> Vec<Case> {
    let certificate = certificate.to_vec();
    let looked = move |case: Case, wanted: &'static [bool]| {
        let certificate = certificate.clone();
        case.check(move |seen, _| certificates(seen, &certificate, wanted))
    };
    let tls = |id: &str, shows, config: &Arc<ServerConfig>| {
        Case::tls(format!("certificate-{id}-tls-{version}"), shows, Arc::clone(config))
    };
    let in_turns = |case: Case| {
        let case = case.answers("1").marked().answers("1");
        case.answers("1").marked().answers("1")
    };
    let once = tls("shown", "A request with the mark comes with the certificate.", required);
    let hidden = tls("hidden", "A request without the mark comes without, though the server asks.", optional);
    let apart = tls("apart", "Requests with the mark and without never share a connection.", optional);
    let resumed = tls(
        "not-resumed",
        "A session in which the certificate was shown is not taken up again by a request without the mark.",
        optional,
    )
    .reply([answer("200 OK", "Connection: close\r\n", "1"), Step::Close]);
    vec![
        looked(once.reply([ok("1")]).answers("1").marked(), &[true]),
        looked(hidden.reply([ok("1")]).answers("1"), &[false]),
        looked(in_turns(apart.reply([ok("1")])), &[true, false, true, false]).kept(2),
        looked(in_turns(resumed), &[true, false, true, false]),
    ]
}

/// What a client learns of a refusal depends on the version: in TLS 1.2 before it sends its request; in TLS 1.3 it may
/// have sent it by then, and here it has. In neither does the server's application see anything.
fn refused(version: &str, strangers: &Arc<ServerConfig>, required: &Arc<ServerConfig>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, shows, config, marked) in [
        ("refused", "A certificate that is refused is a proof in TLS 1.2 alone.", strangers, true),
        (
            "required",
            "A certificate that is asked for and not shown is a proof in TLS 1.2 alone.",
            required,
            false,
        ),
    ] {
        let id = format!("certificate-{what}-tls-{version}");
        let case = match version {
            "1.2" => Case::tls(id, shows, Arc::clone(config)).not_sent(),
            _ => Case::tls_late(id, shows, Arc::clone(config)).maybe_sent(),
        };
        let long = |call: &mut Call| {
            call.marked = marked;
            call.body = Bytes::from(vec![b'x'; 64 * 1024]);
        };
        cases.push(case.reply([ok("1")]).with(long).requests(0));
    }
    cases
}

/// That each request came with the merchant's certificate, or with none, as wanted.
fn certificates(seen: &Seen, certificate: &[u8], wanted: &[bool]) -> Result<(), String> {
    let shown: Vec<_> = seen.requests.iter().map(|request| request.certificate.as_deref()).collect();
    let expected: Vec<_> = wanted.iter().map(|wanted| wanted.then_some(certificate)).collect();
    if shown == expected {
        return Ok(());
    }
    let shown: Vec<_> = shown.iter().map(Option::is_some).collect();
    Err(format!("the requests came with a certificate: {shown:?} instead of {wanted:?}"))
}
