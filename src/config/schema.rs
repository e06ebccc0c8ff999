//! The JSON Schema of the configuration, for editors.

use super::types::Config;

/// Returns the schema of every configuration file.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), "dragnet configuration".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_keys_and_refuses_others() {
        let schema = json_schema();
        assert_eq!(schema["additionalProperties"], false);
        let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["daemon", "data", "executor", "gate", "scan", "scanners", "source", "suppress", "target", "templates"]
        );
        assert_eq!(schema["$defs"]["ScanConfig"]["properties"]["grace"]["type"], "string");
    }
}
