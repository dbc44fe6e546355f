//! The way to PostgreSQL: TLS that is verified, or none where it may be.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::thread;

use tempfile::TempDir;
use wechatpay_campaign::store::{DEFAULT_LEASE, Ledger as _, PostgresStore, StoreError, TlsError, UrlError};

use crate::bed::PostgresBed;
use crate::packets::{MCH_ID, lease};
use crate::postgres::{HOST, Own, own};

/// A server of our own, and a file with its authority.
struct Bed {
    bed: PostgresBed,
    own: &'static Own,
    dir: TempDir,
}

impl Bed {
    fn new() -> Option<Self> {
        let (bed, own) = (PostgresBed::new()?, own()?);
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("ca.pem"), &own.ca_pem).unwrap();
        Some(Self { bed, own, dir })
    }

    fn ca(&self) -> String {
        self.dir.path().join("ca.pem").display().to_string()
    }

    fn url(&self, settings: &str) -> String {
        self.bed.database.over_tcp(settings).unwrap()
    }

    fn open(&self, settings: &str) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(&self.url(settings), MCH_ID, lease(DEFAULT_LEASE))
    }

    /// Whether a connection by these settings has TLS, as the server says.
    fn has_tls(&self, settings: &str) -> bool {
        let _store = self.open(&format!("user=postgres application_name='by tls' {settings}")).unwrap();
        let ssl = |is: &str| {
            let sql = format!(
                "DO $$ BEGIN ASSERT (SELECT ssl IS {is} FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                    WHERE application_name = 'by tls'); END $$"
            );
            self.bed.database.client().batch_execute(&sql)
        };
        let (with, without) = (ssl("TRUE").is_ok(), ssl("FALSE").is_ok());
        assert_ne!(with, without, "one connection has that name");
        with
    }
}

fn refused(store: Result<PostgresStore, StoreError>) -> TlsError {
    match store.unwrap_err() {
        StoreError::Tls(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn tls_is_verified_whatever_it_is_called() {
    let Some(bed) = Bed::new() else { return };
    let by_name = format!("host={HOST} hostaddr=127.0.0.1 sslrootcert='{}'", bed.ca());
    for mode in ["sslmode=verify-full", "sslmode=verify-ca", "sslmode=require", ""] {
        assert!(bed.has_tls(&format!("{by_name} {mode}")), "{mode}");
        // The name is held against the certificate in every mode, and the certificate's CN is not its name.
        for host in ["127.0.0.1", "localhost"] {
            let settings = format!("user=postgres host={host} sslrootcert='{}' {mode}", bed.ca());
            let error = refused(bed.open(&settings));
            assert!(matches!(&error, TlsError::OtherHost { host: named } if named == host), "{error}");
        }
    }
}

#[test]
fn an_authority_that_is_not_trusted_vouches_for_nobody() {
    let Some(bed) = Bed::new() else { return };
    let key = rcgen::KeyPair::generate().unwrap();
    let other = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    fs::write(bed.dir.path().join("other.pem"), other.pem()).unwrap();
    let other = bed.dir.path().join("other.pem").display().to_string();
    let by_name = format!("user=postgres host={HOST} hostaddr=127.0.0.1");
    for mode in ["verify-full", "verify-ca", "require"] {
        for roots in [&*other, "system"] {
            let error = refused(bed.open(&format!("{by_name} sslmode={mode} sslrootcert='{roots}'")));
            assert!(matches!(error, TlsError::Untrusted), "{mode} {roots}: {error}");
            assert!(error.to_string().contains("sslrootcert=FILE"), "{error}");
        }
    }
}

#[test]
fn there_is_no_tls_on_this_machine_unless_it_is_asked_for() {
    let Some(bed) = Bed::new() else { return };
    for settings in ["host=127.0.0.1", "host=localhost hostaddr=127.0.0.1", "host=127.0.0.1 sslmode=disable"]
    {
        assert!(!bed.has_tls(settings), "{settings}");
    }
    assert!(!bed.has_tls(&format!("host={HOST} hostaddr=127.0.0.1 sslmode=disable")));
    assert!(!bed.has_tls(&format!("host='{}'", bed.own.dir.display())));
}

/// A real PostgreSQL that has no TLS: by the Unix socket it has none.
#[test]
fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let Some(bed) = Bed::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = bed.own.dir.join(format!(".s.PGSQL.{}", bed.own.port));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2 {
                let (client, _) = listener.accept().unwrap();
                let server = UnixStream::connect(&socket).unwrap();
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let up = thread::spawn(move || {
                    drop(io::copy(&mut from, &mut to));
                    drop(to.shutdown(Shutdown::Write));
                });
                drop(io::copy(&mut &server, &mut &client));
                drop(client.shutdown(Shutdown::Both));
                up.join().unwrap();
            }
        });
        let way = format!("host=localhost hostaddr=127.0.0.1 port={port} user=postgres dbname=postgres");
        let open = |mode: &str| PostgresStore::open(&format!("{way} {mode}"), MCH_ID, lease(DEFAULT_LEASE));
        let error = refused(open("sslmode=require"));
        assert!(matches!(error, TlsError::NotOffered), "{error}");
        // And nobody else was in the way: it is a server. Its tables are in nobody's schema.
        let error = open("sslmode=disable options='-c search_path=none'").unwrap_err();
        assert!(matches!(&error, StoreError::Postgres(error) if error.as_db_error().is_some()), "{error}");
    });
}

#[test]
fn a_password_is_bound_to_the_certificate() {
    let Some(bed) = Bed::new() else { return };
    crate::bed::Bed::execute(
        &bed.bed,
        "DO $$ BEGIN CREATE ROLE scram SUPERUSER LOGIN PASSWORD 'hunter2 & co'; END $$",
    );
    let by_name = format!("user=scram host={HOST} hostaddr=127.0.0.1 sslrootcert='{}'", bed.ca());
    let right = "password='hunter2 & co' channel_binding=require";
    assert_eq!(bed.open(&format!("{by_name} {right}")).unwrap().summary().unwrap().payouts(), 0);
    let error = bed.open(&format!("{by_name} password='hunter2 und co'")).unwrap_err();
    assert!(error.to_string().contains("password authentication failed"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    // Without TLS there is nothing to be bound to.
    let error = bed.open(&format!("user=scram host=127.0.0.1 {right}")).unwrap_err();
    assert!(matches!(error, StoreError::Postgres(_)), "{error}");
    crate::bed::Bed::execute(
        &bed.bed,
        "DROP SCHEMA IF EXISTS of_scram; REASSIGN OWNED BY scram TO postgres; DROP ROLE scram",
    );
}

/// Nothing is connected to: there is no such host.
#[test]
fn what_cannot_be_honoured_is_refused_at_once() {
    let open = |url: &str| match PostgresStore::open(url, MCH_ID, lease(DEFAULT_LEASE)).unwrap_err() {
        StoreError::Url(error) => error,
        other => panic!("{url}: {other}"),
    };
    let both = |settings: &[&str]| {
        let list = format!("host=db.invalid user=u password='hunter2' {}", settings.join(" "));
        let url = format!("postgresql://u:hunter2@db.invalid/d?{}", settings.join("&"));
        let (by_list, by_url) = (open(&list), open(&url));
        assert_eq!(by_list.to_string(), by_url.to_string());
        assert!(!format!("{by_list} {by_list:?}").contains("hunter2"));
        by_list
    };
    assert!(matches!(both(&["sslmode=bogus"]), UrlError::Mode));
    assert!(matches!(both(&["sslmode="]), UrlError::Mode));
    assert!(matches!(both(&["sslmode=Require"]), UrlError::Mode));
    for weak in ["sslmode=prefer", "sslmode=allow"] {
        assert!(matches!(both(&[weak]), UrlError::Weak), "{weak}");
    }
    let twice = both(&["sslmode=disable", "sslmode=require"]);
    assert!(matches!(twice, UrlError::Repeated { option: "sslmode" }));
    let contradiction = both(&["sslmode=disable", "sslrootcert=system"]);
    assert!(matches!(contradiction, UrlError::NoTls { option: "sslrootcert" }));
    let contradiction = both(&["sslnegotiation=direct", "sslmode=disable"]);
    assert!(matches!(contradiction, UrlError::NoTls { option: "sslnegotiation" }));
    assert!(matches!(both(&["sslcert=c.pem"]), UrlError::Unknown { option: Some("sslcert") }));
    assert!(matches!(both(&["hunter2=x"]), UrlError::Unknown { option: None }));
    assert!(matches!(both(&["port=hunter2"]), UrlError::Unreadable { option: Some("port") }));
    assert!(matches!(both(&["sslrootcert=/none/ca.pem"]), UrlError::RootsFile { .. }));
    let manifest = concat!("sslrootcert=", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(matches!(both(&[manifest]), UrlError::NoRoots { .. }));
    assert!(matches!(open("host=/run user=u sslmode=verify-full"), UrlError::UnixSocket));
    assert!(matches!(open("postgres:///d?host=/run&sslmode=require"), UrlError::UnixSocket));
    assert!(matches!(open("hostaddr=192.0.2.1 user=u"), UrlError::NoHost));
    // However a password is put there wrongly, it is not repeated.
    for wrong in [
        "host=h user=u password=my hunter2=x",
        "host=h user=u password=my hunter2",
        "host=h user=u password='hunter2",
        "hunter2",
        "postgres://u:p?hunter2/@h:hunter2/d",
        "postgres://u:p@hunter2:hunter2/d",
        "postgres://h/d?password=%ff&hunter2",
        "postgres://[hunter2/d",
    ] {
        let error = open(wrong);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

/// `campaign report` by these settings.
fn report(store: &str, roots: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign"));
    command.args(["report", "--mch-id", MCH_ID, "--store", &format!("postgres:{store}")]);
    match roots {
        Some(path) => command.env("SSL_CERT_FILE", path),
        None => command.env_remove("SSL_CERT_FILE"),
    };
    command.env_remove("SSL_CERT_DIR").output().unwrap()
}

#[test]
fn the_command_line_takes_them_all() {
    let Some(bed) = Bed::new() else { return };
    let by_name = format!("user=postgres host={HOST} hostaddr=127.0.0.1");
    for (settings, roots, code, said) in [
        (format!("{by_name} sslmode=verify-full sslrootcert='{}'", bed.ca()), None, 0, ""),
        // The authorities of the system are those of this file.
        (format!("{by_name} sslmode=verify-full sslrootcert=system"), Some(bed.ca()), 0, ""),
        (format!("{by_name} sslmode=require"), Some(bed.ca()), 0, ""),
        (format!("{by_name} sslmode=require"), None, 1, "sslrootcert=FILE"),
        (
            format!("{by_name} sslmode=bogus password=hunter2"),
            None,
            2,
            "`sslmode` must be verify-full or disable",
        ),
        (
            "host=db.invalid user=u sslmode=prefer".to_owned(),
            None,
            2,
            "sslmode=prefer and sslmode=allow go on",
        ),
    ] {
        let done = report(&bed.url(&settings), roots.as_deref());
        let stderr = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{settings}: {stderr}");
        assert!(stderr.contains(said) && !stderr.contains("hunter2"), "{settings}: {stderr}");
    }
}
