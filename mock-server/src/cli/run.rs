//! Serving, from the first file that is read to the last that is written.

use std::io;
use std::path::Path;

use wechatpay_mock_server::{KitError, Mock, ServeError, Server, ServerBuilder};

use super::end::Ends;
use super::failure::{Failure, chain};
use super::log::Log;
use super::options::Serve;
use super::ready::Ready;
use super::world::World;

/// Serves until something ends it.
pub(crate) fn serve(options: &Serve) -> Result<(), Failure> {
    check(options)?;
    let failed = |error: io::Error| Failure::configuration(format!("cannot wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        // Before anything is made: a signal may come at any time, and whoever reads the ready line may be done at once.
        let ends = Ends::new(options.life.die_with_parent, options.life.idle_exit).map_err(failed)?;
        let world = World::open(&options.world)?;
        let state_file = options.world.state_file.as_deref();
        let log = Log::start(&world.mock, &options.world, options.life.log)?;
        let server = start(options, &world.mock)?;
        // Now and not only at the end: that it cannot be written is to be known before anything is done.
        state_file.map_or(Ok(()), |path| world.save(path))?;
        Ready::new(options, &server, &world).announce(options)?;
        ends.come(|| (server.connections().accepted, world.mock.requests())).await;
        // What was answered is in the state: nothing is answered any more when it is written.
        drop(server);
        drop(log);
        state_file.map_or(Ok(()), |path| world.save(path))
    })
}

/// What flags cannot be together, and what a run before left.
fn check(options: &Serve) -> Result<(), Failure> {
    let Serve { door, world, life, .. } = options;
    if door.expose && door.admin_token.is_none() {
        let message = "--expose needs --admin-token: whoever reaches the port could change everything";
        return Err(Failure::usage(message));
    }
    if !door.expose && !door.listen.ip().is_loopback() {
        let message = format!(
            "--listen: {} is not a loopback address; to be reached from elsewhere, give --expose and --admin-token",
            door.listen
        );
        return Err(Failure::usage(message));
    }
    if life.die_with_parent && world.config.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage(
            "--config - reads stdin to its end, where --die-with-parent ends: give a file",
        ));
    }
    let Some(path) = life.ready_file.as_deref() else { return Ok(()) };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::configuration(format!("--ready-file: cannot replace {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn start(options: &Serve, mock: &Mock) -> Result<Server, Failure> {
    server(options, mock.server()).start().map_err(|error| explain(&error))
}

/// What the flags say of the server.
fn server(options: &Serve, builder: ServerBuilder) -> ServerBuilder {
    let door = &options.door;
    let mut builder = builder.listen(door.listen).max_delay(door.max_delay).admin(door.admin.is_on());
    if let Some(dir) = &options.kit.kit_dir {
        builder = builder.kit_dir(dir);
    }
    for alias in &options.kit.host_alias {
        builder = builder.host_alias(alias);
    }
    if door.https_only {
        builder = builder.https_only();
    }
    if door.http_only {
        builder = builder.http_only();
    }
    match &door.admin_token {
        Some(token) => builder.expose(token),
        None => builder,
    }
}

/// Why it did not start, and what would help.
fn explain(error: &ServeError) -> Failure {
    let text = chain(error);
    match error {
        ServeError::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse => Failure::bind(
            format!("{text}; end what listens there, or let --listen 127.0.0.1:0 find a free port"),
        ),
        ServeError::Bind { .. } => Failure::bind(text),
        ServeError::AdminToken { .. } | ServeError::NotLoopback { .. } => Failure::usage(text),
        ServeError::Kit(KitError::HostAlias { .. }) => Failure::usage(format!("--host-alias: {text}")),
        ServeError::Kit(KitError::Io { .. }) => {
            Failure::configuration(format!("{text}; give another folder with --kit-dir"))
        }
        _ => Failure::configuration(text),
    }
}
