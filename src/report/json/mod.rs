//! The report for programs: one document of the schema `dragnet.report/v1`, written as a stream.

mod diff;
mod export;
pub(super) mod gate;
pub(super) mod v1;

use std::io::Write;

use super::source::for_each;
use super::{RenderError, Renderer, ReportData};

pub(super) use diff::diff;
pub(crate) use export::ExportJson;

/// The format `json`.
#[derive(Debug)]
pub(super) struct Json;

impl Renderer for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        write!(out, "{{\"schema\":\"{}\",\n\"scan\":", v1::SCHEMA)?;
        serde_json::to_writer(&mut *out, &v1::Scan::new(data.scan, data.isolation))?;
        write!(out, ",\n\"jobs\":")?;
        let mut jobs = Array::open(out)?;
        data.jobs.iter().try_for_each(|job| jobs.item(&v1::Job::new(job)))?;
        jobs.close()?;
        write!(out, ",\n\"summary\":")?;
        serde_json::to_writer(&mut *out, &v1::Summary::new(data))?;
        write!(out, ",\n\"findings\":")?;
        let mut findings = Array::open(out)?;
        for_each(data.findings, |finding| findings.item(&v1::Finding::new(&finding)).map(|()| true))?;
        findings.close()?;
        write!(out, ",\n\"gone\":")?;
        let mut gone = Array::open(out)?;
        for_each(data.gone, |finding| gone.item(&v1::Gone::new(&finding)).map(|()| true))?;
        gone.close()?;
        write!(out, ",\n\"assets\":")?;
        let mut assets = Array::open(out)?;
        for_each(data.assets, |asset| assets.item(&v1::Asset::new(&asset)).map(|()| true))?;
        assets.close()?;
        Ok(writeln!(out, "}}")?)
    }
}

/// An array with one element to a line.
pub(super) struct Array<'o> {
    out: &'o mut dyn Write,
    before: &'static str,
}

impl<'o> Array<'o> {
    pub(super) fn open(out: &'o mut dyn Write) -> std::io::Result<Self> {
        write!(out, "[")?;
        Ok(Self { out, before: "\n" })
    }

    pub(super) fn item(&mut self, item: &impl serde::Serialize) -> Result<(), RenderError> {
        write!(self.out, "{}", self.before)?;
        self.before = ",\n";
        Ok(serde_json::to_writer(&mut *self.out, item)?)
    }

    pub(super) fn close(self) -> std::io::Result<()> {
        write!(self.out, "]")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, finished, job, render, troubled, unfinished};

    #[test]
    fn the_document_has_its_parts() {
        let text = render("json", &unfinished(), &troubled(), findings(), 80);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = document.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["assets", "findings", "gone", "jobs", "scan", "schema", "summary"]);
        assert_eq!(document["findings"].as_array().unwrap().len(), 3);
        assert_eq!(document["summary"]["verdict"], "incomplete");
    }

    #[test]
    fn version_1_looks_like_this() {
        let text =
            render("json", &finished(), &[job("bandit", "bandit", [1, 0, 0, 0, 0, 0])], findings()[..1].to_vec(), 80);
        insta::assert_snapshot!(text, @r#"
{"schema":"dragnet.report/v1",
"scan":{"id":"28t5cy4t","project":"default","target":"dir:.","target_key":"git:example.org/shop","line":"main","template":"quick","plan_sha256":"64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525","executor":"docker (unix:///var/run/docker.sock)","source":{"sha256":"41cf6794ba4200b839c53531555f0f3998df4cbb01a4d5cb0b94e3ca5e23947d","files":1204,"bytes":8700000,"commit":"1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d","dirty":true,"unreadable":[]},"state":"completed","complete":true,"coverage":{"level":"full","gaps":[]},"created_at":"2026-11-21T03:55:46.000Z","started_at":"2026-11-21T03:55:46.500Z","finished_at":"2026-11-21T03:56:58.500Z"},
"jobs":[
{"name":"bandit","step":"bandit","scanner":"bandit","scanner_version":"1.9.4","image":"example.org/bandit:1","image_id":"sha256:0123","data":{},"state":"succeeded","coverage":{"level":"full","gaps":[]},"skip":null,"failure":null,"shortfall":null,"attempts":1,"inputs":0,"records":{"critical":1,"high":0,"info":0,"low":0,"medium":0,"unknown":0},"assets":0,"started_at":"2026-11-21T03:55:46.500Z","finished_at":"2026-11-21T03:55:58.900Z"}],
"summary":{"verdict":"gate_failed","complete":true,"total":1,"by_severity":{"critical":1,"high":0,"info":0,"low":0,"medium":0,"unknown":0},"jobs":{"succeeded":1},"gate":{"fail_on":"high","failed":true,"decided":true,"reaching":1,"ignored":0,"explanation":["fail on high or worse: FAILED","1 critical reach it"],"rules":[{"name":null,"asks":"fail on high or worse","result":"failed","max":0,"matched":1,"by_severity":{"critical":1,"high":0,"info":0,"low":0,"medium":0,"unknown":0},"untold":0,"examples":[]}],"missing":[],"data":[]},"standings":null,"muted":{}},
"findings":[
{"fingerprint":"v1:0000000000000000000000000000000c","scanner":"bandit","job":"bandit","rule":"B608","title":"SQL built from strings","message":"SQL built from strings, at length","severity":"critical","native_severity":null,"confidence":null,"location":{"kind":"file","path":"shop/db.py","start_line":12},"cwe":[89],"vulnerabilities":[],"cvss":{"score":9.8,"vector":null},"fix":null,"references":["https://example.org/rule"],"evidence":null,"standing":"new","muting":null}],
"gone":[
{"fingerprint":"v1:00000000000000000000000000000007","scanner":"bandit","fate":"fixed","reason":null,"rule":"B602","title":"Shell in a subprocess","severity":"high","location":{"kind":"file","path":"shop/run.py","start_line":7}}],
"assets":[
{"kind":"port","value":"example.org:443/tcp","job":"nmap"}]}
"#);
    }

    #[test]
    fn an_empty_scan_is_a_document() {
        let text = render("json", &finished(), &[], Vec::new(), 80);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&document["findings"], &document["jobs"]), (&serde_json::json!([]), &serde_json::json!([])));
    }
}
