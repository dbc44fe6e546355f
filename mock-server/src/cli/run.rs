//! Serving, from the first file that is read to the last that is written.

use std::io;
use std::path::Path;

use wechatpay_mock_server::{KitError, Mock, ServeError, Server, ServerBuilder};

use super::end::Ends;
use super::failure::{Failure, chain};
use super::log::Log;
use super::note;
use super::options::Serve;
use super::parent;
use super::ready::Ready;
use super::world::World;

/// Serves until something ends it.
pub(crate) fn serve(options: &Serve) -> Result<(), Failure> {
    check(options)?;
    let failed = |error: io::Error| Failure::configuration(format!("cannot wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        // Files may be pipes that nobody writes to: until they are open, a signal ends the process by itself.
        let world = World::open(&options.world)?;
        let state_file = options.world.state_file.as_deref();
        let log = Log::start(&world.mock, &options.world, options.life.log)?;
        // Before the kit, which is to be removed: a signal may come at any time from here on.
        let ends = Ends::new(options.life.die_with_parent, options.life.idle_exit).map_err(failed)?;
        let server = start(options, &world.mock)?;
        // Now and not only at the end: that it cannot be written is to be known before anything is done.
        state_file.map_or(Ok(()), |path| world.save(path))?;
        name_the_first(options, &server, &world)?;
        Ready::new(options, &server, &world).announce(options)?;
        let activity = || {
            let seen = server.connections();
            (seen.accepted, seen.asked)
        };
        note(&format!("it ends: {}", ends.come(activity).await));
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
    if life.die_with_parent {
        parent::check()?;
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

/// The environment files of the kit are about the merchant that the ready line names first.
fn name_the_first(options: &Serve, server: &Server, world: &World) -> Result<(), Failure> {
    let Some(first) = world.merchants.first() else { return Ok(()) };
    let url = if options.door.http_only { server.http_url() } else { server.https_url() };
    let kit = server.kit();
    let environment = kit.environment(&url, first.mch_id(), first.key(), first.appid());
    let failed = |error: KitError| Failure::configuration(format!("--kit-dir: {}", chain(&error)));
    environment.and_then(|environment| kit.write_env(&environment)).map_err(failed)
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
        ServeError::Bind { source, .. } => {
            let mend = match source.kind() {
                io::ErrorKind::AddrInUse => {
                    "end what listens there, or let --listen 127.0.0.1:0 find a free port"
                }
                io::ErrorKind::PermissionDenied => "give --listen a port from 1024 up",
                _ => "give --listen an address of this machine",
            };
            Failure::bind(format!("{text}; {mend}"))
        }
        ServeError::AdminToken { .. } | ServeError::NotLoopback { .. } => Failure::usage(text),
        ServeError::Kit(error) => super::kit::failed(error),
        _ => Failure::configuration(text),
    }
}
