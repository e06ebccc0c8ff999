//! Lays tables over one another.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::keys::dotted;
use super::resolve::Origin;

/// Lays `layer` over `base` and notes the origin of each value it brings. Tables are merged, all else is replaced.
pub(super) fn merge(base: &mut Table, layer: Table, origin: &Origin, origins: &mut BTreeMap<String, Origin>) {
    merge_at(&mut Vec::new(), base, layer, origin, origins);
}

fn merge_at(
    path: &mut Vec<String>,
    base: &mut Table,
    layer: Table,
    origin: &Origin,
    origins: &mut BTreeMap<String, Origin>,
) {
    for (name, value) in layer {
        path.push(name.clone());
        match value {
            Value::Table(inner) => {
                let slot = base.entry(name).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(below) = slot {
                    merge_at(path, below, inner, origin, origins);
                }
            }
            value => {
                origins.insert(dotted(path), origin.clone());
                base.insert(name, value);
            }
        }
        path.pop();
    }
}

/// Sets a value by its dotted key, such as `scan.parallelism`, making tables on the way.
pub fn set(table: &mut Table, key: &str, value: impl Into<Value>) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value.into());
        }
        Some((first, rest)) => {
            let slot = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = slot {
                set(inner, rest, value);
            }
        }
    }
}

/// Returns the values of a table with their dotted keys, in order.
pub(super) fn leaves(table: &Table) -> Vec<(String, &Value)> {
    fn collect<'a>(path: &mut Vec<String>, table: &'a Table, found: &mut Vec<(String, &'a Value)>) {
        for (name, value) in table {
            path.push(name.clone());
            match value {
                Value::Table(inner) => collect(path, inner, found),
                value => found.push((dotted(path), value)),
            }
            path.pop();
        }
    }
    let mut found = Vec::new();
    collect(&mut Vec::new(), table, &mut found);
    found
}
