//! nmap's XML (`nmap -oX`): open ports and hosts as assets, vulnerabilities that scripts found as records.

use std::io::BufReader;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::mask::Masker;
use super::metered::{Budget, Metered};
use super::output::Output;
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, encoding, ids};
use crate::model::asset::{Asset, AssetKind};
use crate::model::finding::{Location, Record};

/// The format `nmap`.
#[derive(Debug)]
pub(super) struct Nmap;

/// Deeper is no report of nmap.
const MAX_DEPTH: usize = 64;

impl Parser for Nmap {
    fn name(&self) -> &'static str {
        "nmap"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml("nmaprun")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let masker = Masker::new(&context.secret_key);
        let mut scan =
            Scan { output: Output::new(sink), masker, host: Host::default(), port: None, depth: 0, rooted: false };
        let budget = Budget::default();
        let mut xml = Reader::from_reader(BufReader::new(Metered {
            inner: encoding::open(self.name(), input)?,
            budget: budget.clone(),
        }));
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = xml.read_event_into(&mut buffer).map_err(|error| broken(&xml, &error))?;
            let outcome = match event {
                Event::Start(tag) => scan.open(&tag).and_then(|()| scan.deeper()),
                Event::Empty(tag) => scan.open(&tag).and_then(|()| scan.close(tag.name().as_ref())),
                Event::End(tag) => {
                    scan.depth = scan.depth.saturating_sub(1);
                    scan.close(tag.name().as_ref())
                }
                Event::Eof => break,
                _ => Ok(()),
            };
            outcome.map_err(|fault| fault.at(xml.buffer_position()))?;
            budget.renew();
        }
        if scan.depth > 0 || !scan.rooted {
            return Err(invalid("the document breaks off", xml.buffer_position()));
        }
        Ok(scan.output.summary)
    }
}

fn broken<R>(xml: &Reader<R>, error: &quick_xml::Error) -> ParseError {
    match error {
        quick_xml::Error::Io(error) => ParseError::Read(std::io::Error::new(error.kind(), error.to_string())),
        other => invalid(&other.to_string(), xml.error_position()),
    }
}

fn invalid(message: &str, byte: u64) -> ParseError {
    ParseError::Invalid { format: "nmap", message: message.to_owned(), place: format!("byte {byte}") }
}

/// What can be wrong with one tag.
enum Fault {
    Shape(String),
    Stopped(ParseError),
}

impl Fault {
    fn at(self, byte: u64) -> ParseError {
        match self {
            Self::Shape(message) => invalid(&message, byte),
            Self::Stopped(error) => error,
        }
    }
}

impl From<ParseError> for Fault {
    fn from(error: ParseError) -> Self {
        Self::Stopped(error)
    }
}

#[derive(Default)]
struct Host {
    up: bool,
    address: Option<String>,
    name: Option<String>,
    told: bool,
}

impl Host {
    /// The name that was asked for, else the address: what a later scanner should be given.
    fn label(&self) -> Option<&str> {
        self.name.as_deref().or(self.address.as_deref())
    }
}

struct Port {
    number: u16,
    protocol: String,
    open: bool,
}

struct Scan<'s> {
    output: Output<'s>,
    masker: Masker<'s>,
    host: Host,
    port: Option<Port>,
    depth: usize,
    rooted: bool,
}

impl Scan<'_> {
    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Fault::Shape("it is nested too deeply".to_owned())) } else { Ok(()) }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        if self.depth == 0 {
            if tag.name().as_ref() != b"nmaprun" || self.rooted {
                return Err(Fault::Shape("its root is not one <nmaprun>".to_owned()));
            }
            self.rooted = true;
        }
        let masker = &mut self.masker;
        let mut get = |name: &str| attribute(tag, name, masker);
        match tag.name().as_ref() {
            b"nmaprun" => self.output.version(get("version")?.as_deref()),
            b"host" => self.host = Host::default(),
            b"status" => self.host.up = get("state")?.as_deref() == Some("up"),
            b"address" if get("addrtype")?.as_deref() != Some("mac") => self.host.address = get("addr")?,
            // `user` is the name on the command line; a reverse lookup may name another machine.
            b"hostname" if get("type")?.as_deref() == Some("user") => {
                self.host.name = get("name")?.map(|name| name.to_lowercase());
            }
            b"port" => self.port = port(get("portid")?.as_deref(), get("protocol")?),
            b"state" => {
                let open = get("state")?.as_deref() == Some("open");
                self.port.iter_mut().for_each(|port| port.open = open);
            }
            b"script" => {
                let (id, output) = (get("id")?.unwrap_or_default(), get("output")?.unwrap_or_default());
                self.script(id, output)?;
            }
            b"finished" => {
                let (exit, message) = (get("exit")?, get("errormsg")?);
                self.finished(exit.as_deref(), message.as_deref());
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, tag: &[u8]) -> Result<(), Fault> {
        match tag {
            b"port" => {
                if let Some(port) = self.port.take().filter(|port| port.open) {
                    self.tell_port(&port)?;
                }
            }
            b"host" if self.host.up => self.tell_host()?,
            _ => {}
        }
        Ok(())
    }

    fn tell_host(&mut self) -> Result<(), ParseError> {
        if std::mem::replace(&mut self.host.told, true) {
            return Ok(());
        }
        let name = self.host.name.as_deref().and_then(|name| Asset::new(AssetKind::Host, name));
        let address = self.host.address.as_deref().and_then(|address| Asset::new(AssetKind::Ip, address));
        name.into_iter().chain(address).try_for_each(|asset| self.output.asset(asset))
    }

    fn tell_port(&mut self, port: &Port) -> Result<(), ParseError> {
        let Some(host) = self.host.label() else { return Ok(()) };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let asset = Asset::new(AssetKind::Port, &format!("{host}:{}/{}", port.number, port.protocol));
        asset.map_or(Ok(()), |asset| self.output.asset(asset))
    }

    /// Scripts of the category `vuln` say "VULNERABLE" when they found something (the NSE library `vulns`); "NOT VULNERABLE"
    /// and errors are no finding.
    fn script(&mut self, id: String, output: String) -> Result<(), ParseError> {
        let vulnerable = output.lines().any(|line| {
            let line = line.trim();
            line == "VULNERABLE:"
                || line.strip_prefix("State:").is_some_and(|state| state.trim().starts_with("VULNERABLE"))
        });
        let vulnerabilities = ids::vulnerabilities([output.as_str()]);
        let listed = id == "vulners" && !vulnerabilities.is_empty();
        if !vulnerable && !listed {
            return Ok(());
        }
        self.output.record(Record {
            title: title(&output).unwrap_or(&id).to_owned(),
            location: Location::Host {
                host: self.host.label().unwrap_or_default().to_owned(),
                port: self.port.as_ref().map(|port| port.number),
                protocol: self.port.as_ref().map(|port| port.protocol.clone()),
            },
            cwe: ids::weaknesses([output.as_str()]),
            vulnerabilities,
            rule: id,
            message: output,
            ..Record::default()
        })
    }

    fn finished(&mut self, exit: Option<&str>, message: Option<&str>) {
        if exit.is_some_and(|exit| exit != "success") {
            self.output.error(message.unwrap_or("nmap did not finish"));
        }
    }
}

/// The line after "VULNERABLE:" names the vulnerability.
fn title(output: &str) -> Option<&str> {
    let mut lines = output.lines().map(str::trim);
    lines.by_ref().find(|line| *line == "VULNERABLE:")?;
    lines.next().filter(|line| !line.is_empty())
}

fn port(number: Option<&str>, protocol: Option<String>) -> Option<Port> {
    Some(Port { number: number?.parse().ok()?, protocol: protocol.unwrap_or_else(|| "tcp".to_owned()), open: false })
}

fn attribute(tag: &BytesStart<'_>, name: &str, masker: &mut Masker<'_>) -> Result<Option<String>, Fault> {
    let fault = |error: &dyn std::fmt::Display| Fault::Shape(format!("attribute `{name}`: {error}"));
    let Some(attribute) = tag.try_get_attribute(name).map_err(|error| fault(&error))? else { return Ok(None) };
    let text = std::str::from_utf8(&attribute.value).map_err(|error| fault(&error))?;
    let text = quick_xml::escape::unescape(text).map_err(|error| fault(&error))?;
    let text = masker.masked(&text);
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::keep;

    const DOCUMENT: &str = r#"<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun scanner="nmap" version="7.93">
      <host><status state="up"/><address addr="10.0.0.1" addrtype="ipv4"/><address addr="00:11" addrtype="mac"/>
        <hostnames><hostname name="Example.com" type="user"/><hostname name="x.rev" type="PTR"/></hostnames>
        <ports><port protocol="tcp" portid="22"><state state="closed"/></port>
          <port protocol="tcp" portid="443"><state state="open"/>
            <script id="ssl-poodle" output="&#xa;  VULNERABLE:&#xa;  SSL POODLE&#xa;    State: VULNERABLE&#xa;    IDs:  CVE:CVE-2014-3566&#xa;"/>
            <script id="http-title" output="NOT VULNERABLE"/></port></ports></host>
      <host><status state="down"/><address addr="10.0.0.2" addrtype="ipv4"/></host>
      <runstats><finished exit="success"/></runstats></nmaprun>"#;

    #[test]
    fn open_ports_and_hosts_are_handed_on() {
        let (summary, kept) = keep("nmap", DOCUMENT).unwrap();
        let assets: Vec<_> = kept.assets.iter().map(ToString::to_string).collect();
        assert_eq!(assets, ["port:example.com:443/tcp", "host:example.com", "ip:10.0.0.1"]);
        assert_eq!(kept.records.len(), 1);
        assert_eq!(kept.records[0].title, "SSL POODLE");
        assert_eq!(kept.records[0].vulnerabilities, ["CVE-2014-3566"]);
        assert_eq!(kept.records[0].location.to_string(), "example.com:443");
        assert_eq!(summary.tool_version.as_deref(), Some("7.93"));
    }

    #[test]
    fn broken_and_other_documents_are_refused() {
        assert!(keep("nmap", &DOCUMENT[..DOCUMENT.len() - 10]).is_err());
        assert!(keep("nmap", "<html/>").is_err());
        assert!(keep("nmap", "just text").is_err());
        assert!(keep("nmap", &format!("<nmaprun>{}", "<a>".repeat(100))).is_err());
    }

    #[test]
    fn a_run_that_did_not_finish_is_an_error_in_the_summary() {
        let text = r#"<nmaprun><runstats><finished exit="error" errormsg="out of sockets"/></runstats></nmaprun>"#;
        assert_eq!(keep("nmap", text).unwrap().0.errors, ["out of sockets"]);
    }
}
