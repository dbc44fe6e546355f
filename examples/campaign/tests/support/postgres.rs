//! A PostgreSQL for the tests of one binary, with nothing to set up: a private cluster in a temporary directory, on a Unix
//! socket there, and on a port of 127.0.0.1, where it has TLS with a certificate of an authority of its own.
//!
//! * `WECHATPAY_TEST_POSTGRES_URL` names a server to use instead; its `public` schema is not touched.
//! * Where PostgreSQL is not installed, [`database`] says so once and gives `None`, and tests pass without it;
//!   with `WECHATPAY_TEST_POSTGRES=required` they fail.
//!
//! The server is the child of a shell that waits for the end of its input, which this process holds: it stops, and its
//! directory goes, when this process ends, however it ends.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// A place of its own for one test, in the server that the binary shares; gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Database {
    server: &'static str,
    schema: String,
}

/// A fresh one; `None` where there is no PostgreSQL and none is required.
pub(crate) fn database() -> Option<Database> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = server()?;
    let schema = format!("campaign_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let database = Database { server, schema };
    let mut client = Client::connect(server, NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {}", database.schema)).unwrap();
    Some(database)
}

impl Database {
    /// What a store is opened with.
    pub(crate) fn url(&self) -> String {
        let options = format!("-c search_path={}", self.schema);
        if self.server.contains("://") {
            let mark = if self.server.contains('?') { '&' } else { '?' };
            format!("{}{mark}options={}", self.server, options.replace(' ', "%20").replace('=', "%3D"))
        } else {
            format!("{} options='{options}'", self.server)
        }
    }

    /// The same over TCP, by these settings for the way there; `None` at a server that is not ours.
    #[allow(dead_code, reason = "not every test binary does")]
    pub(crate) fn over_tcp(&self, settings: &str) -> Option<String> {
        let port = own()?.port;
        Some(format!("port={port} dbname=postgres options='-c search_path={}' {settings}", self.schema))
    }

    /// Does by hand what no store would.
    #[allow(dead_code, reason = "not every test binary does")]
    pub(crate) fn execute(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }

    /// A connection of one's own.
    #[allow(dead_code, reason = "not every test binary does")]
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Where the server is gone, so is the schema.
        if let Ok(mut client) = Client::connect(self.server, NoTls) {
            let _ = client.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.schema));
        }
    }
}

fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref().map(|server| server.url.as_str())
}

struct Server {
    url: String,
    /// It waits for the end of its input, which is ours.
    _shell: Option<Child>,
}

/// What is known of a server that was started here.
#[allow(dead_code, reason = "not every test binary does")]
pub(crate) struct Own {
    /// Where its Unix socket is.
    pub(crate) dir: PathBuf,
    /// Its port of 127.0.0.1.
    pub(crate) port: u16,
    /// Who vouches for its certificate, which is for [`HOST`].
    pub(crate) ca_pem: String,
}

/// The only name in the server's certificate.
pub(crate) const HOST: &str = "db.campaign.example";

static OWN: OnceLock<Own> = OnceLock::new();

/// The server, if it was started here.
pub(crate) fn own() -> Option<&'static Own> {
    server()?;
    OWN.get()
}

/// A certificate authority, as PEM, and a certificate for [`HOST`] with its key.
fn certificates() -> (String, String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, "campaign test authority");
    let authority = CertifiedIssuer::self_signed(params, key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

/// One that nobody uses now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[expect(clippy::print_stderr, reason = "a test that was passed over must say so")]
fn start() -> Option<Server> {
    if let Ok(url) = env::var("WECHATPAY_TEST_POSTGRES_URL") {
        return Some(Server { url, _shell: None });
    }
    let required = env::var("WECHATPAY_TEST_POSTGRES").is_ok_and(|word| word == "required");
    let Some(bin) = find() else {
        assert!(!required, "PostgreSQL is required, and initdb is neither in PATH nor where packages put it");
        eprintln!("PostgreSQL is not installed: its tests are passed over");
        return None;
    };
    let (ca_pem, certificate, key) = certificates();
    // Another program may be quicker to have a port.
    let (server, dir, port) = (0..5).find_map(|_| run(&bin, free_port(), &certificate, &key)).unwrap();
    drop(OWN.set(Own { dir, port, ca_pem }));
    Some(server)
}

/// No signal ends it before it has stopped its server: not one to the whole group, nor that nobody reads what it says any
/// more. Durability against a crash of the machine is not what is tested, so nothing is synced.
const SCRIPT: &str = r#"
    trap '' INT TERM HUP PIPE
    dir=$(mktemp -d "${TMPDIR:-/tmp}/wechatpay-pg.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    "$0/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2; exit 1; }
    umask 077
    printf %s "$TLS_CERTIFICATE" >"$dir/server.crt"
    printf %s "$TLS_KEY" >"$dir/server.key"
    sed -i '1i hostssl all scram 127.0.0.1/32 scram-sha-256' "$dir/data/pg_hba.conf"
    umask 022
    "$0/postgres" -D "$dir/data" -k "$dir" -c listen_addresses=127.0.0.1 -p $PORT -c fsync=off -c ssl=on \
        -c ssl_cert_file="$dir/server.crt" -c ssl_key_file="$dir/server.key" >>"$dir/log" 2>&1 </dev/null &
    server=$!
    tries=0
    until "$0/pg_isready" -q -h "$dir" -p $PORT; do
        tries=$((tries + 1))
        if [ $tries -gt 1200 ] || ! kill -0 $server; then cat "$dir/log" >&2; kill -QUIT $server; exit 1; fi
        sleep 0.1
    done
    echo "$dir" 2>/dev/null
    cat >/dev/null
    kill -QUIT $server
    wait $server
"#;

fn run(bin: &Path, port: u16, certificate: &str, key: &str) -> Option<(Server, PathBuf, u16)> {
    // PostgreSQL does not run as root; its package brings a user.
    let root = fs::metadata("/proc/self").is_ok_and(|itself| owner(&itself) == 0);
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.arg("-c").arg(SCRIPT).arg(bin).current_dir("/");
    command.env("PORT", port.to_string()).env("TLS_CERTIFICATE", certificate).env("TLS_KEY", key);
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let dir = line.trim_end();
    if dir.is_empty() {
        shell.wait().unwrap();
        return None;
    }
    let url = format!("postgresql:///postgres?user=postgres&host={dir}&port={port}");
    Some((Server { url, _shell: Some(shell) }, dir.into(), port))
}

#[cfg(unix)]
fn owner(file: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(file)
}

#[cfg(not(unix))]
fn owner(_: &fs::Metadata) -> u32 {
    1
}

/// The directory of the newest PostgreSQL.
fn find() -> Option<PathBuf> {
    let is_there =
        |dir: &Path| ["initdb", "pg_isready", "postgres"].iter().all(|name| dir.join(name).is_file());
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).find(|dir| is_there(dir));
    let packaged = || {
        let versions = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"];
        let dirs = versions.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
        let bins = dirs.map(|version| version.path().join("bin"));
        bins.filter(|bin| is_there(bin)).max()
    };
    if cfg!(unix) { in_path.or_else(packaged) } else { None }
}
