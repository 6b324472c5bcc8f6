//! Fills in what was unknown when the plan was made.

use std::collections::BTreeMap;

use crate::value::{OutputRef, Value};

/// Outputs that are known.
pub type Known = BTreeMap<OutputRef, Value>;

/// The value with every known output filled in; unknown ones stay pending.
pub fn fill(value: &Value, known: &Known) -> Value {
    match value {
        Value::Pending(output) => known.get(output).cloned().unwrap_or_else(|| value.clone()),
        Value::Keep(inner) => Value::Keep(Box::new(fill(inner, known))),
        // A set of identifiers is sorted by what the identifiers turn out to be.
        Value::List(items) if items.iter().any(Value::is_pending) => {
            let mut filled = Vec::new();
            for item in items {
                match (item, fill(item, known)) {
                    // An output that is itself a list, such as the default subnets, takes the place of one item.
                    (Value::Pending(_), Value::List(inner)) => filled.extend(inner),
                    (_, value) => filled.push(value),
                }
            }
            if filled.iter().all(|v| matches!(v, Value::Text(_))) {
                return Value::set(filled.iter().filter_map(|v| v.as_text().map(str::to_owned)));
            }
            Value::List(filled)
        }
        Value::List(items) => Value::List(items.iter().map(|v| fill(v, known)).collect()),
        Value::Map(parts) => Value::Map(parts.iter().map(|(k, v)| (k.clone(), fill(v, known))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_output_is_spliced_into_a_set() {
        let mut known = Known::new();
        known.insert(OutputRef::new("lookup.default", "subnets"), Value::set(["subnet-b", "subnet-a"]));
        let want = Value::List(vec![Value::pending("lookup.default", "subnets"), "subnet-0".into()]);
        assert_eq!(fill(&want, &known), Value::set(["subnet-0", "subnet-a", "subnet-b"]));
    }

    #[test]
    fn what_is_unknown_stays_pending() {
        let want = Value::List(vec![Value::pending("security_group.a", "id")]);
        assert_eq!(fill(&want, &Known::new()), want);
    }
}
