//! Results of one run, those that wait for their rules among them.

use serde_json::Value;

use super::super::output::Output;
use super::super::value::{Borrowed, Node};
use super::super::{Context, ParseError};
use super::record::Parts;
use super::rules::Rules;
use super::secrets::Kind;
use crate::model::finding::Record;
use crate::model::severity::Severity;

/// Bytes of results that may wait for their rules.
pub(super) const MAX_WAITING: usize = 64 << 20;

/// A run while it is read.
pub(in crate::parse) struct Run<'c> {
    context: &'c Context,
    tool: Option<String>,
    pub(in crate::parse) rules: Rules,
    tool_known: bool,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    overflow: u64,
}

/// A masked result that waits for its rule; as text, which takes a fraction of the memory of a value.
struct Waiting {
    result: Box<str>,
    kind: Kind,
}

impl<'c> Run<'c> {
    pub(in crate::parse) fn new(context: &'c Context) -> Self {
        Self {
            context,
            tool: None,
            rules: Rules::default(),
            tool_known: false,
            waiting: Vec::new(),
            waiting_bytes: 0,
            overflow: 0,
        }
    }

    pub(in crate::parse) fn named(&mut self, tool: Option<&str>) {
        self.tool = tool.map(str::to_owned);
    }

    /// Takes a result: to the sink if its rules are known, else to those that wait.
    pub(in crate::parse) fn result(&mut self, mut result: Value, output: &mut Output<'_>) -> Result<(), ParseError> {
        let parts = Parts::of(&result);
        if let Some(reason) = parts.no_problem() {
            output.skip(reason);
            return Ok(());
        }
        let kind = Kind::of(self.tool.as_deref(), &result);
        if self.tool_known {
            return output.record(self.record(&parts, kind, kind == Kind::Secret));
        }
        trim(&mut result);
        let text = result.to_string().into_boxed_str();
        if self.waiting_bytes + text.len() > MAX_WAITING {
            self.overflow += 1;
            return output.record(self.record(&Parts::of(&result), kind, kind == Kind::Secret));
        }
        self.waiting_bytes += text.len();
        self.waiting.push(Waiting { result: text, kind });
        Ok(())
    }

    /// Whether results go on as they come.
    pub(super) const fn takes_results(&self) -> bool {
        self.tool_known
    }

    /// Takes a result that has no secret, to the sink.
    pub(super) fn plain_result(&self, result: &Borrowed<'_>, output: &mut Output<'_>) -> Result<(), ParseError> {
        let parts = Parts::of(result);
        if let Some(reason) = parts.no_problem() {
            output.skip(reason);
            return Ok(());
        }
        output.record(self.record(&parts, Kind::Other, false))
    }

    /// Hands on those that waited.
    pub(in crate::parse) fn tool_is_known(&mut self, output: &mut Output<'_>) -> Result<(), ParseError> {
        self.tool_known = true;
        self.waiting_bytes = 0;
        for Waiting { result, kind } in std::mem::take(&mut self.waiting) {
            let result: Value = serde_json::from_str(&result).map_err(std::io::Error::from)?;
            // What tells that it is a secret may have come since.
            let secret = kind == Kind::Secret || Kind::of(self.tool.as_deref(), &result) == Kind::Secret;
            output.record(self.record(&Parts::of(&result), kind, secret))?;
        }
        Ok(())
    }

    /// Whether results have overtaken those that wait for their rules: they come in another order than they stand in.
    pub(in crate::parse) const fn has_overflowed(&self) -> bool {
        self.overflow > 0
    }

    /// Ends the run; a document may hold several.
    pub(in crate::parse) fn finish(&mut self, output: &mut Output<'_>) -> Result<(), ParseError> {
        self.tool_is_known(output)?;
        if self.overflow > 0 {
            output.error(&format!(
                "{} results stood too far before their rules; their severities may be unknown",
                self.overflow
            ));
        }
        *self = Self::new(self.context);
        Ok(())
    }

    /// `kind` is what was known where the result stands, `secret` what is known now.
    fn record<N: Node>(&self, parts: &Parts<'_, N>, kind: Kind, secret: bool) -> Record {
        let mut record = parts.record(&self.rules, &self.context.source_root, kind, secret);
        if !self.tool_known && record.native_severity.is_none() {
            record.severity = Severity::Unknown;
        }
        record
    }
}

/// Drops what no record shows and may be long, before a result waits.
fn trim(result: &mut Value) {
    if let Some(map) = result.as_object_mut() {
        for key in
            ["codeFlows", "threadFlows", "graphs", "graphTraversals", "stacks", "relatedLocations", "attachments"]
        {
            map.remove(key);
        }
    }
}
