//! Takes secrets out of what is told of a delivery: servers repeat what they were asked.

use super::Secrets;
use crate::model::notify::Hidden;

/// Parts of an address that are shorter are words rather than secrets.
const SHORTEST: usize = 6;
/// What the addresses of all receivers of traces have in common.
const KNOWN: [&str; 2] = ["/v1/traces", "traces"];
/// Most characters that are told.
const MOST: usize = 500;

/// The texts that must not be told.
pub(super) struct Scrub(Vec<String>);

impl Scrub {
    pub(super) fn new(secrets: &Secrets) -> Self {
        let mut texts = Vec::new();
        if let Some(Hidden(url)) = &secrets.url {
            texts.push(url.clone());
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            // User and password, the path as a whole, its parts, and the values behind `?`.
            let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
            texts.extend(authority.rsplit_once('@').map(|(user, _)| user.to_owned()));
            texts.push(path.to_owned());
            let parts = path.split(['/', '?', '#', '&', '=', ':']);
            texts.extend(
                authority.rsplit_once('@').map_or("", |(user, _)| user).split(':').chain(parts).map(str::to_owned),
            );
        }
        for Hidden(text) in [&secrets.secret, &secrets.token, &secrets.password].into_iter().flatten() {
            texts.push(text.clone());
        }
        for (_, Hidden(text)) in &secrets.headers {
            texts.push(text.trim().to_owned());
            // What follows the scheme of `Authorization`.
            texts.extend(text.split_whitespace().map(str::to_owned));
        }
        texts.retain(|text| text.len() >= SHORTEST && !KNOWN.contains(&text.as_str()));
        // The longest first: a part of one may be another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(texts)
    }

    /// Returns a text without them, in one bounded line.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        for secret in &self.0 {
            text = text.replace(secret, "‹hidden›");
        }
        text.chars().take(MOST).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_repeats_of_an_address_is_taken_out() {
        let secrets = Secrets {
            url: Some(Hidden("https://user:passw0rd@h/services/T0PLANTED/x?key=planted-key".to_owned())),
            token: Some(Hidden("token-planted".to_owned())),
            headers: vec![("authorization".to_owned(), Hidden("Basic cGxhbnRlZA==".to_owned()))],
            ..Secrets::default()
        };
        let scrub = Scrub::new(&secrets);
        let said = scrub.clean(
            "no hook /services/T0PLANTED/x?key=planted-key, nor T0PLANTED\nfor passw0rd token-planted planted-key, Basic \
             cGxhbnRlZA== or cGxhbnRlZA==",
        );
        assert_eq!(said, "no hook ‹hidden›, nor ‹hidden› for ‹hidden› ‹hidden› ‹hidden›, ‹hidden› or ‹hidden›");
    }
    #[test]
    fn what_all_addresses_of_a_kind_have_in_common_is_no_secret() {
        let of = |url: &str| Scrub::new(&Secrets { url: Some(Hidden(url.to_owned())), ..Secrets::default() });
        let said = "no traces at /team-a1b2c3/v1/traces, try /v1/traces";
        assert_eq!(of("https://h/v1/traces").clean(said), said);
        assert_eq!(of("https://h/team-a1b2c3/v1/traces").clean(said), "no traces at ‹hidden›, try /v1/traces");
    }
}
