//! GitHub and GitLab: the status of the scanned commit, and an issue for each target that is not clean.
//!
//! The issue of a target is found by a mark in its text, among those with our label: a delivery that is made twice finds the issue of the
//! first. It is kept up to date, and closed when the target is clean. A status is set only for a tree that is what its commit says.

use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Value, json};

use super::outcome::{Failure, Taken};
use super::words::{cut, findings, markdown, unmentioned};
use super::{Delivery, http};
use crate::model::id::Sha256;
use crate::model::notify::{Hidden, Notice, NoticeEvent, NoticeScan};
use crate::model::view::Verdict;

/// What our issues are labelled with, and how our statuses begin.
const NAME: &str = "dragnet";
/// Most characters of a status and of an issue's title.
const STATUS: usize = 140;
const TITLE: usize = 200;
/// Issues of one page, and most pages that are looked at.
const PAGE: usize = 100;
const PAGES: usize = 10;

/// Where a forge has what.
struct Forge<'d> {
    client: Client,
    base: String,
    token: &'d str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Github,
    Gitlab,
}

pub(super) async fn github(delivery: &Delivery<'_>) -> Result<Taken, Failure> {
    let repository = delivery.route.repository.as_deref().unwrap_or_default();
    tell(delivery, Kind::Github, "https://api.github.com", &format!("repos/{repository}")).await
}

pub(super) async fn gitlab(delivery: &Delivery<'_>) -> Result<Taken, Failure> {
    let repository = delivery.route.repository.as_deref().unwrap_or_default().replace('/', "%2F");
    tell(delivery, Kind::Gitlab, "https://gitlab.com/api/v4", &format!("projects/{repository}")).await
}

async fn tell(delivery: &Delivery<'_>, kind: Kind, home: &str, repository: &str) -> Result<Taken, Failure> {
    let home = match &delivery.secrets.url {
        Some(_) => http::address(delivery.secrets)?.to_string(),
        None => home.to_owned(),
    };
    let Some(Hidden(token)) = &delivery.secrets.token else { return Err(Failure::lasting("it has no token")) };
    let base = format!("{}/{repository}", home.trim_end_matches('/'));
    let forge = Forge { client: http::client(delivery)?, base, token: token.trim(), kind };
    let notice = delivery.notice;
    if notice.event == NoticeEvent::Test {
        forge.read("").await?;
        return Ok(Taken { words: "the repository can be read with this token".to_owned() });
    }
    let Some(scan) = &notice.scan else { return Ok(Taken { words: "there is nothing to tell it".to_owned() }) };
    let mut done = Vec::new();
    if delivery.route.status.unwrap_or(true) {
        done.push(forge.status(notice, scan).await?);
    }
    if delivery.route.issue.unwrap_or(true) {
        done.push(forge.issue(notice, scan).await?);
    }
    Ok(Taken { words: done.join("; ") })
}

impl Forge<'_> {
    fn url(&self, path: &str) -> Result<Url, Failure> {
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(crate::web::guarded(&format!("{}{path}", self.base))?)
    }

    fn known(&self, request: RequestBuilder) -> RequestBuilder {
        match self.kind {
            Kind::Github => request.bearer_auth(self.token).header("x-github-api-version", "2022-11-28"),
            Kind::Gitlab => request.header("private-token", self.token),
        }
    }

    async fn read(&self, path: &str) -> Result<Value, Failure> {
        http::ask(self.known(self.client.get(self.url(path)?))).await
    }

    async fn write(&self, request: RequestBuilder, body: &Value) -> Result<Taken, Failure> {
        let request = self.known(request).header("content-type", "application/json");
        http::tell(request.body(body.to_string())).await
    }

    async fn status(&self, notice: &Notice, scan: &NoticeScan) -> Result<String, Failure> {
        let Some(commit) = scan.commit.as_deref().filter(|commit| is_commit(commit)) else {
            return Ok("no status: no commit is known".to_owned());
        };
        if scan.dirty {
            return Ok("no status: the tree differed from its commit".to_owned());
        }
        let context = scan.template.as_ref().map_or_else(|| NAME.to_owned(), |template| format!("{NAME}/{template}"));
        let path = format!("statuses/{commit}");
        let (state, name) = match (self.kind, scan.verdict) {
            (_, Verdict::Clean) => ("success", "context"),
            (Kind::Github, Verdict::GateFailed | Verdict::GateUndecided) => ("failure", "context"),
            (Kind::Github, _) => ("error", "context"),
            (Kind::Gitlab, Verdict::Cancelled) => ("canceled", "context"),
            (Kind::Gitlab, _) => ("failed", "context"),
        };
        let body = json!({ "state": state, name: cut(&context, 100), "description": cut(&notice.title, STATUS) });
        match self.write(self.client.post(self.url(&path)?), &body).await {
            // GitLab says so to whoever sets a status that is set: a delivery that is made twice.
            Err(failure) if self.kind == Kind::Gitlab && failure.words.contains("Cannot transition status") => {}
            other => drop(other?),
        }
        Ok(format!("the status is {state}"))
    }

    async fn issue(&self, notice: &Notice, scan: &NoticeScan) -> Result<String, Failure> {
        if scan.verdict == Verdict::Cancelled {
            return Ok("no issue: the scan was cancelled".to_owned());
        }
        let mark = mark(notice, scan);
        let found = self.find(&mark).await?;
        let clean = scan.verdict == Verdict::Clean;
        let text = text(notice, &mark);
        let title = cut(&format!("{NAME}: {} is not clean", scan.target), TITLE);
        match found {
            None if clean => Ok("no issue is needed".to_owned()),
            None => {
                let labels = if self.kind == Kind::Github { json!([NAME]) } else { json!(NAME) };
                let body = json!({ "title": title, self.text_key(): text, "labels": labels });
                self.write(self.client.post(self.url("issues")?), &body).await?;
                Ok("an issue was opened".to_owned())
            }
            Some(number) => {
                let url = self.url(&format!("issues/{number}"))?;
                let mut body = json!({ self.text_key(): text });
                if clean {
                    let (key, value) =
                        if self.kind == Kind::Github { ("state", "closed") } else { ("state_event", "close") };
                    body[key] = value.into();
                } else {
                    body["title"] = title.into();
                }
                let request = if self.kind == Kind::Github { self.client.patch(url) } else { self.client.put(url) };
                self.write(request, &body).await?;
                Ok(format!("issue {number} was {}", if clean { "closed" } else { "updated" }))
            }
        }
    }

    const fn text_key(&self) -> &'static str {
        match self.kind {
            Kind::Github => "body",
            Kind::Gitlab => "description",
        }
    }

    /// Returns the number of the open issue with a mark.
    async fn find(&self, mark: &str) -> Result<Option<u64>, Failure> {
        let (state, number) = match self.kind {
            Kind::Github => ("open", "number"),
            Kind::Gitlab => ("opened", "iid"),
        };
        for page in 1..=PAGES {
            let found = self.read(&format!("issues?state={state}&labels={NAME}&per_page={PAGE}&page={page}")).await?;
            let Some(issues) = found.as_array() else { return Err(Failure::lasting("it has no list of issues")) };
            let is_ours = |issue: &&Value| issue[self.text_key()].as_str().is_some_and(|text| text.contains(mark));
            if let Some(issue) = issues.iter().find(is_ours) {
                return Ok(issue[number].as_u64());
            }
            if issues.len() < PAGE {
                break;
            }
        }
        Ok(None)
    }
}

fn is_commit(text: &str) -> bool {
    (40..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Names a target in a text that nobody sees.
fn mark(notice: &Notice, scan: &NoticeScan) -> String {
    let line = scan.line.as_deref().unwrap_or_default();
    let hash = Sha256::of(format!("{}\0{}\0{line}", notice.project, scan.target_key)).to_string();
    format!("<!-- dragnet:{} -->", hash.get(..24).unwrap_or(&hash))
}

fn text(notice: &Notice, mark: &str) -> String {
    let escape = |text: &str| unmentioned(&markdown(text));
    let mut text = format!("{mark}\n**{}**\n", escape(&notice.title));
    for line in &notice.details {
        text.extend(["\n", &escape(line), "\n"]);
    }
    let findings = findings(notice);
    if !findings.is_empty() {
        text.push('\n');
        for line in findings {
            text.extend(["- ", &escape(&line), "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::hostile;
    use super::*;

    #[test]
    fn hostile_text_mentions_nobody_and_makes_no_markup() {
        let text = text(&hostile(), "<!-- dragnet:1 -->");
        let rest = text.strip_prefix("<!-- dragnet:1 -->").unwrap();
        assert!(!rest.contains("@everyone") && !rest.contains("http://"), "{rest}");
        assert!(rest.contains(r"\<script\>") && rest.contains(r"\[a\]\("), "{rest}");
    }

    #[test]
    fn only_a_commit_is_put_into_an_address() {
        assert!(is_commit(&"a1".repeat(20)));
        assert!(!is_commit("../../x") && !is_commit(&"z".repeat(40)) && !is_commit(""));
    }
}
