//! What a receiver of traces was told, read by the types that OpenTelemetry generates from its own definition of OTLP.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use super::stub::Request;

/// Reads a request, which must be one of OTLP over HTTP in JSON, to where traces are taken.
pub(crate) fn told(request: &Request) -> Vec<ResourceSpans> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/traces"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let read: ExportTraceServiceRequest = serde_json::from_slice(&request.body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&request.body)));
    read.resource_spans
}

/// Returns the spans of a request, which are all of one service.
pub(crate) fn spans(request: &Request) -> Vec<Span> {
    let all = told(request);
    for one in &all {
        let resource = one.resource.as_ref().unwrap();
        let service = resource.attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
        let name = service.value.as_ref().and_then(|value| value.value.clone());
        assert_eq!(name, Some(Value::StringValue("dragnet".to_owned())));
    }
    all.into_iter().flat_map(|one| one.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// Returns an attribute of a span, in words.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::BoolValue(flag) => Some(flag.to_string()),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

/// Checks that spans are one whole trace: one of them is the root, and each other one's parent is there and began no later.
pub(crate) fn is_whole(spans: &[Span]) {
    let root: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(root.len(), 1, "{spans:#?}");
    for span in spans {
        assert_eq!((&span.trace_id, span.trace_id.len(), span.span_id.len()), (&root[0].trace_id, 16, 8));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:#?}");
        assert_eq!(spans.iter().filter(|other| other.span_id == span.span_id).count(), 1, "{span:#?}");
        if !span.parent_span_id.is_empty() {
            let parent = spans.iter().find(|other| other.span_id == span.parent_span_id);
            assert!(parent.is_some_and(|parent| parent.start_time_unix_nano <= span.start_time_unix_nano), "{span:#?}");
        }
    }
}
