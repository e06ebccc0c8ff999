//! Who asks.

use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::ConstantTimeEq as _;

use super::ApiError;
use super::problem::Problem;
use crate::model::id::Sha256;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Principal {
    /// Somebody on this machine, where no token is wanted.
    Local,
    /// Whoever has the token.
    Bearer,
    /// Nobody knows: may ask for what is open to all.
    Anonymous,
}

/// Who is let in. Shows nothing of the token when debugged.
#[derive(Clone)]
pub struct Door {
    address: SocketAddr,
    /// The hash of the token: of one length, whatever the token's.
    token: Option<Sha256>,
}

impl Door {
    /// Makes the door of an address; refused where other machines would come in without a token.
    pub fn new(address: SocketAddr, token: Option<&str>) -> Result<Self, ApiError> {
        if token.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(ApiError::Open { address });
        }
        Ok(Self { address, token: token.map(Sha256::of) })
    }

    /// Whether only this machine reaches it.
    pub(super) fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }

    /// Finds out who asks. One comparison takes as long as another, whatever is compared.
    pub(super) fn authenticate(&self, parts: &Parts) -> Result<Principal, Problem> {
        let Some(token) = &self.token else { return Ok(Principal::Local) };
        let refused = |detail| Problem::new(StatusCode::UNAUTHORIZED, detail);
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(refused(
                "one header `Authorization: Bearer TOKEN` is wanted; the token is that of [daemon] token",
            ));
        };
        let bearer = value.to_str().ok().and_then(|value| value.split_once(' '));
        let Some((_, given)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(refused("the header Authorization is written as `Bearer TOKEN`"));
        };
        if bool::from(Sha256::of(given.trim()).0.ct_eq(&token.0)) {
            Ok(Principal::Bearer)
        } else {
            Err(refused("the token is not the one of [daemon] token"))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn asks(door: &Door, headers: &[&str]) -> Option<Principal> {
        let mut request = Request::builder();
        for value in headers {
            request = request.header(AUTHORIZATION, *value);
        }
        door.authenticate(&request.body(()).unwrap().into_parts().0).ok()
    }

    #[test]
    fn the_token_lets_in_and_nothing_like_it() {
        let door = Door::new("0.0.0.0:1".parse().unwrap(), Some("s3cret")).unwrap();
        assert_eq!(asks(&door, &["Bearer s3cret"]), Some(Principal::Bearer));
        assert_eq!(asks(&door, &["bearer  s3cret"]), Some(Principal::Bearer));
        for refused in
            ["Bearer s3cre", "Bearer s3crets", "Bearer ", "Bearer", "Basic s3cret", "s3cret", "Bearer S3CRET"]
        {
            assert_eq!(asks(&door, &[refused]), None, "{refused}");
        }
        assert_eq!(asks(&door, &[]), None);
        assert_eq!(asks(&door, &["Bearer s3cret", "Bearer s3cret"]), None);
    }

    #[test]
    fn other_machines_come_with_a_token_only() {
        for open in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
            assert!(Door::new(open.parse().unwrap(), None).is_err(), "{open}");
        }
        for local in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(asks(&Door::new(local.parse().unwrap(), None).unwrap(), &[]), Some(Principal::Local), "{local}");
        }
    }
}
