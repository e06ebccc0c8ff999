//! What the daemon shows over HTTP, where the configuration says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::engines::Engines;
use super::run::DaemonError;
use crate::api::{self, Door, Server, Shown, Vitals};
use crate::app::{self, App, AppError};
use crate::executor::SharedExecutor;

/// How long whatever knows the token may take to tell it.
const TOKEN: Duration = Duration::from_secs(5);

/// What the daemon shows over HTTP.
pub(super) struct Front {
    /// The address that the configuration named.
    wanted: SocketAddr,
    door: watch::Sender<Door>,
    server: Server,
}

#[async_trait]
impl api::Engines for Engines {
    async fn connected(&self) -> Vec<SharedExecutor> {
        self.all().await
    }
}

/// Finds out whether what the configuration wants could be: before anything else is done.
pub(super) async fn check(app: &App) -> Result<(), DaemonError> {
    match app.config.daemon.listen {
        Some(listen) => door(app, listen.0).await.map(drop),
        None => Ok(()),
    }
}

async fn door(app: &App, address: SocketAddr) -> Result<Door, DaemonError> {
    let own = app.clone();
    let late = |_| AppError::Token { message: format!("it took longer than {} s", TOKEN.as_secs()) };
    let token = timeout(TOKEN, spawn_blocking(move || app::daemon_token(&own))).await.map_err(late)?;
    let token = token.map_err(|error| AppError::Panicked(error.to_string()))??;
    Ok(Door::new(address, token.as_deref())?)
}

impl Front {
    /// Begins to serve, if the configuration wants it.
    pub(super) async fn open(
        apps: watch::Receiver<Arc<App>>,
        engines: &Engines,
        vitals: &Vitals,
    ) -> Result<Option<Self>, DaemonError> {
        let app = Arc::clone(&apps.borrow());
        let Some(listen) = app.config.daemon.listen else { return Ok(None) };
        let (door, receiver) = watch::channel(door(&app, listen.0).await?);
        let shown = Shown { apps, door: receiver, vitals: vitals.clone(), engines: Arc::new(engines.clone()) };
        let server = Server::listen(listen.0, shown).await?;
        app.store.daemon_listens(server.address().to_string()).await?;
        tracing::info!(address = %server.address(), "health and metrics are served");
        Ok(Some(Self { wanted: listen.0, door, server }))
    }

    /// Takes the token of a configuration that was read anew; refused, and all as before, where it cannot be had or there is none and
    /// there must be one.
    pub(super) async fn admit(&self, app: &App) -> Result<(), DaemonError> {
        let door = door(app, self.server.address()).await?;
        self.door.send_replace(door);
        Ok(())
    }

    /// Ends.
    pub(super) async fn close(self) {
        self.server.end().await;
    }
}

/// Whether the daemon would have to be begun again to listen where this configuration says.
pub(super) fn moves(front: Option<&Front>, app: &App) -> bool {
    front.map(|front| front.wanted) != app.config.daemon.listen.map(|listen| listen.0)
}
