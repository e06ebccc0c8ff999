//! Telling people and programs: one receiver, one notification, one delivery. Layer 1, I/O: what is told, to whom, and what becomes of a
//! delivery that failed is decided elsewhere.
//!
//! One file for each kind of receiver; each turns the same [`Notice`] into what its receiver reads, bounds it, and takes from the texts
//! in it, which scanners and targets have written, what that receiver would obey. What is told of a delivery never holds the address, a
//! token or a password, whatever the receiver answers.

mod desktop;
mod discord;
mod email;
mod forge;
mod http;
mod otlp;
mod outcome;
mod scrub;
mod slack;
mod teams;
mod template;
mod webhook;
mod words;

#[cfg(test)]
mod testing;

use crate::model::clock::Timestamp;
use crate::model::notify::{Hidden, Notice, Receiver, Route};
use crate::model::trace::TracePart;

pub use outcome::{Failure, Taken};
pub use template::{Template, TemplateError};

use scrub::Scrub;

/// What a route's references to secrets stand for.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The address.
    pub url: Option<Hidden>,
    /// What webhooks are signed with.
    pub secret: Option<Hidden>,
    /// A token.
    pub token: Option<Hidden>,
    /// A password.
    pub password: Option<Hidden>,
    /// Headers, by name.
    pub headers: Vec<(String, Hidden)>,
}

/// A delivery.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'d> {
    /// Whom to.
    pub route: &'d Route,
    /// What its references stand for.
    pub secrets: &'d Secrets,
    /// Its template, if it has one.
    pub template: Option<&'d Template>,
    /// What is told.
    pub notice: &'d Notice,
    /// The document of what is told, as it was written down: the same bytes in every delivery.
    pub document: &'d str,
    /// The part of a trace that is told to a receiver of traces; without one it is told nothing, to try it.
    pub trace: Option<&'d TracePart>,
    /// When it is told.
    pub at: Timestamp,
}

/// Delivers once. Ends within the route's time limit.
pub async fn deliver(delivery: Delivery<'_>) -> Result<Taken, Failure> {
    let scrub = Scrub::new(delivery.secrets);
    let limit = delivery.route.timeout;
    match tokio::time::timeout(limit.0, hand_over(delivery)).await {
        Ok(Ok(taken)) => Ok(Taken { words: scrub.clean(&taken.words) }),
        Ok(Err(failure)) => Err(failure.map(|words| scrub.clean(words))),
        Err(_) => Err(Failure::passing(format!("no answer within {limit}"))),
    }
}

async fn hand_over(delivery: Delivery<'_>) -> Result<Taken, Failure> {
    let text = delivery.template.map(|template| template.fill(delivery.notice)).transpose();
    let text = text.map_err(|error| Failure::lasting(error.to_string()))?;
    let text = text.as_deref();
    match delivery.route.kind {
        Receiver::Webhook => webhook::send(&delivery, text).await,
        Receiver::Slack => http::post_json(&delivery, &slack::body(delivery.notice, text)).await,
        Receiver::Teams => http::post_json(&delivery, &teams::body(delivery.notice, text)).await,
        Receiver::Discord => http::post_json(&delivery, &discord::body(delivery.notice, text)).await,
        Receiver::Email => email::send(&delivery, text).await,
        Receiver::Github => forge::github(&delivery).await,
        Receiver::Gitlab => forge::gitlab(&delivery).await,
        Receiver::Desktop => desktop::send(&delivery, text).await,
        Receiver::Otlp => otlp::send(&delivery).await,
    }
}
