//! What a registry is told when it asks who we are: a name and a password, or a token that another server gives for them.
//!
//! Source: RFC 9110 §11.6.1 for the question, RFC 7617 for `Basic`; for `Bearer` the specifications of the CNCF Distribution project,
//! "Token Authentication Specification" and "Oauth2 Token Authentication".

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;

use super::session::{Session, Trouble};
use crate::model::registry::{Credentials, RegistryFault};
use crate::web;

/// Most bytes of an answer with a token.
const MAX_TOKEN: usize = 1 << 20;
/// Who we are to servers that give tokens.
const CLIENT: &str = "dragnet";

/// How a registry wants to know us.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    /// By a name and a password.
    Basic,
    /// By a token, which the server at `realm` gives.
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// Reads the question. Some registries offer both ways; then it is the token, which lets us do less.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<_> = texts.filter_map(|text| http_auth::parse_challenges(text).ok()).flatten().collect();
        let bearer = challenges.iter().filter(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
        let bearer = bearer.filter_map(|challenge| {
            let parameter = |name: &str| {
                let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            Some(Self::Bearer { realm: parameter("realm")?, service: parameter("service") })
        });
        let basic = challenges.iter().any(|challenge| challenge.scheme.eq_ignore_ascii_case("basic"));
        bearer.into_iter().next().or_else(|| basic.then_some(Self::Basic))
    }
}

impl Session<'_> {
    /// Returns what the registry is to be told; `None` where nothing that we have is an answer.
    pub(super) async fn authorize(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Trouble> {
        let authorized = match (Challenge::read(headers), &self.login.credentials) {
            (Some(Challenge::Bearer { .. }), Some(Credentials::Token(token))) => bearer(token)?,
            (Some(Challenge::Bearer { realm, service }), credentials) => {
                bearer(&self.token(&realm, service.as_deref(), credentials.as_ref()).await?)?
            }
            (Some(Challenge::Basic), Some(Credentials::Password { username, password })) => basic(username, password)?,
            (Some(Challenge::Basic), Some(Credentials::Token(_) | Credentials::Identity(_))) => {
                let words = "they are a token, and it wants a name and a password";
                return Err(Trouble::new(RegistryFault::WrongCredentials, words));
            }
            (Some(Challenge::Basic), None) | (None, _) => return Ok(None),
        };
        Ok(Some(authorized))
    }

    /// Gets a token for what this session is to do.
    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        credentials: Option<&Credentials>,
    ) -> Result<String, Trouble> {
        let url = Url::parse(realm).map_err(|error| Trouble::untrusted(format!("its realm is no address: {error}")))?;
        let mut url = self.permit(url)?;
        url.query_pairs_mut().append_pair("scope", &self.scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let request = match credentials {
            Some(Credentials::Identity(token)) => self.exchange(url, token),
            Some(Credentials::Password { username, password }) => {
                self.client.get(url).basic_auth(username, Some(password))
            }
            Some(Credentials::Token(_)) | None => self.client.get(url),
        };
        let answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(self.failure(answer).await);
        }
        let body = web::body(answer, MAX_TOKEN).await?;
        let token: Option<Token> = serde_json::from_slice(&body).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        token.ok_or_else(|| Trouble::new(RegistryFault::Away, "its authorisation server's answer holds no token"))
    }

    /// What is asked for is the same, in the form of OAuth 2.
    fn exchange(&self, mut url: Url, token: &str) -> RequestBuilder {
        let fields = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
        url.query_pairs_mut().extend_pairs(fields);
        let form = url.query().unwrap_or_default().to_owned();
        url.set_query(None);
        self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
    }
}

/// Both names are in use; some servers give both, and the same twice.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

fn bearer(token: &str) -> Result<HeaderValue, Trouble> {
    secret(&format!("Bearer {token}"))
}

fn basic(username: &str, password: &str) -> Result<HeaderValue, Trouble> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    secret(&format!("Basic {encoded}"))
}

/// Makes a header that is not written to any log.
fn secret(text: &str) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Trouble::new(RegistryFault::WrongCredentials, "the token holds what no header can"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        Challenge::read(&headers)
    }

    #[test]
    fn a_question_is_understood_however_it_is_put() {
        let bearer = |service: Option<&str>| {
            Some(Challenge::Bearer { realm: "https://a/t".to_owned(), service: service.map(str::to_owned) })
        };
        assert_eq!(
            read(&[r#"Bearer realm="https://a/t",service="r, \"x\"",scope="a:b:pull,push""#]),
            bearer(Some("r, \"x\""))
        );
        assert_eq!(read(&[r#"bearer Realm="https://a/t""#]), bearer(None));
        assert_eq!(read(&[r#"Basic realm="x", Bearer realm="https://a/t""#]), bearer(None));
        assert_eq!(read(&["Basic realm=\"x\"", "Bearer realm=\"https://a/t\""]), bearer(None));
        assert_eq!(read(&["basic realm=\"x\""]), Some(Challenge::Basic));
        // A token from nowhere is none.
        assert_eq!(read(&["Bearer service=\"r\""]), None);
        for none in ["Negotiate", "", "=", "Bearer realm=\"", "Digest realm=\"x\", nonce=\"1\""] {
            assert_eq!(read(&[none]), None, "{none}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", basic("user", "word").unwrap()).contains("Basic"));
        assert!(bearer("a\nb").is_err());
    }
}
