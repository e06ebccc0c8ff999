//! A webhook: the document itself, signed in the manner of Standard Webhooks (standardwebhooks.com, specification 1.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::outcome::{Failure, Taken};
use super::{Delivery, http};
use crate::model::notify::Hidden;

/// What secrets of Standard Webhooks begin with; what follows is base64.
const PREFIX: &str = "whsec_";

pub(super) async fn send(delivery: &Delivery<'_>, text: Option<&str>) -> Result<Taken, Failure> {
    let body = text.unwrap_or(delivery.document);
    let is_json = delivery.template.is_none_or(super::Template::is_json);
    let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    let (id, timestamp) = (&delivery.notice.id, delivery.at.0.div_euclid(1000).to_string());
    let mut request = http::client(delivery)?
        .post(http::address(delivery.secrets)?)
        .header("content-type", kind)
        .header("webhook-id", id)
        .header("webhook-timestamp", &timestamp);
    if let Some(Hidden(secret)) = &delivery.secrets.secret {
        request = request.header("webhook-signature", signature(&key(secret)?, id, &timestamp, body));
    }
    http::tell(request.body(body.to_owned())).await
}

/// Returns the key that a secret stands for.
fn key(secret: &str) -> Result<Vec<u8>, Failure> {
    let secret = secret.trim();
    match secret.strip_prefix(PREFIX) {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| Failure::lasting("what follows `whsec_` in its secret is no base64"))
        }
        None => Ok(secret.as_bytes().to_vec()),
    }
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    // HMAC takes keys of any length (RFC 2104).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the specification's reference libraries.
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_may_be_any_text() {
        assert_eq!(key("plain\n").unwrap(), b"plain");
        assert!(key("whsec_***").is_err());
    }
}
