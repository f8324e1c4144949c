//! JSON as FHIR has it: read within bounds, and walked with the path at hand, so that whatever is wrong is named by
//! where it stands.

use crate::{
    issue::{Code, Failure, Issue},
    limits::{MAX_DEPTH, MAX_ISSUES, MAX_REPEATS, MAX_STRING},
};
use serde_json::Value;
use std::fmt::Write as _;

/// Reads a resource and checks the rules that hold for every one (R4, section 2.6.2): nothing is empty or null, nothing
/// is deeper or longer than the bounds.
pub fn read(bytes: &[u8]) -> Result<Value, Failure> {
    if depth(bytes) > MAX_DEPTH {
        return Err(Failure::new(400, Issue::error(Code::TooCostly, format!("is nested deeper than {MAX_DEPTH}"))));
    }
    // serde_json's message would quote what it could not read.
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("is not JSON at line {}, column {}", error.line(), error.column());
        Failure::new(400, Issue::error(Code::Structure, place))
    })?;
    if value.get("resourceType").and_then(Value::as_str).is_none() {
        return Err(Failure::new(400, Issue::error(Code::Structure, "is no resource: resourceType is missing")));
    }
    let mut issues = Vec::new();
    check(&value, &mut root_path(&value), &mut issues);
    if issues.is_empty() { Ok(value) } else { Err(Failure::all(400, issues)) }
}

/// How deep brackets are nested; those in strings do not count.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `Observation`, or `Resource` where the type's name is none.
fn root_path(value: &Value) -> String {
    let name = value.get("resourceType").and_then(Value::as_str).filter(|name| is_name(name));
    name.unwrap_or("Resource").to_owned()
}

/// Names are repeated to the sender and must hold nothing but a name.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn check(value: &Value, path: &mut String, issues: &mut Vec<Issue>) {
    if issues.len() >= MAX_ISSUES {
        return;
    }
    let mut refuse = |path: &str, code, what: &'static str| issues.push(Issue::error(code, what).at(path));
    match value {
        Value::Null => refuse(path, Code::Structure, "is null"),
        Value::String(text) if text.is_empty() => refuse(path, Code::Structure, "is an empty string"),
        Value::String(text) if text.len() > MAX_STRING => refuse(path, Code::TooLong, "is too long"),
        Value::Array(items) if items.is_empty() => refuse(path, Code::Structure, "is an empty array"),
        Value::Object(members) if members.is_empty() => refuse(path, Code::Structure, "is an empty object"),
        Value::Array(items) => {
            let own = path.len();
            // Nulls stand for what has only extensions, or none, beside those that have.
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                let _ = write!(path, "[{index}]");
                check(item, path, issues);
                path.truncate(own);
            }
        }
        Value::Object(members) => {
            let own = path.len();
            for (name, member) in members {
                path.push('.');
                path.push_str(if is_name(name) { name } else { "?" });
                check(member, path, issues);
                path.truncate(own);
            }
        }
        _ => {}
    }
}

/// An element and where it stands.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    pub value: &'a Value,
    pub path: String,
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self { value, path: root_path(value) }
    }

    /// The child's path.
    pub fn below(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    pub fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some()
    }

    fn child(&self, name: &str) -> Option<Node<'a>> {
        self.value.get(name).map(|value| Node { value, path: self.below(name) })
    }

    /// A member that is an object.
    pub fn object(&self, name: &str, issues: &mut Vec<Issue>) -> Option<Node<'a>> {
        let child = self.child(name)?;
        expect(child.value.is_object(), &child, "is not an object", issues)?;
        Some(child)
    }

    /// A member that is a string.
    pub fn text(&self, name: &str, issues: &mut Vec<Issue>) -> Option<&'a str> {
        let child = self.child(name)?;
        expect(child.value.is_string(), &child, "is not a string", issues)?;
        child.value.as_str()
    }

    /// A member that is a list of objects, at most [`MAX_REPEATS`].
    pub fn list(&self, name: &str, issues: &mut Vec<Issue>) -> Vec<Node<'a>> {
        self.list_of(name, MAX_REPEATS, issues)
    }

    /// The same with a bound of its own.
    pub fn list_of(&self, name: &str, max: usize, issues: &mut Vec<Issue>) -> Vec<Node<'a>> {
        let Some(child) = self.child(name) else { return Vec::new() };
        let Some(items) = child.value.as_array() else {
            expect(false, &child, "is not a list", issues);
            return Vec::new();
        };
        if items.len() > max {
            issues.push(Issue::error(Code::TooLong, format!("has more than {max} elements")).at(child.path));
            return Vec::new();
        }
        let nodes = items.iter().enumerate();
        let nodes = nodes.map(|(index, value)| Node { value, path: format!("{}[{index}]", child.path) });
        nodes.filter(|node| expect(node.value.is_object(), node, "is not an object", issues).is_some()).collect()
    }
}

fn expect(holds: bool, node: &Node<'_>, what: &'static str, issues: &mut Vec<Issue>) -> Option<()> {
    if !holds {
        issues.push(Issue::error(Code::Structure, what).at(&node.path));
    }
    holds.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (u16, Code, Option<String>) {
        let failure = read(text.as_bytes()).unwrap_err();
        (failure.status, failure.issues[0].code, failure.issues[0].expression.clone())
    }

    #[test]
    fn what_is_empty_or_null_is_named_by_its_place() {
        for (text, place) in [
            (r#"{"resourceType":"Observation","code":{"coding":[]}}"#, "Observation.code.coding"),
            (r#"{"resourceType":"Observation","code":{}}"#, "Observation.code"),
            (r#"{"resourceType":"Observation","status":""}"#, "Observation.status"),
            (r#"{"resourceType":"Observation","component":[{"code":null}]}"#, "Observation.component[0].code"),
        ] {
            assert_eq!(refused(text), (400, Code::Structure, Some(place.into())));
        }
    }

    #[test]
    fn a_member_that_is_no_name_is_not_repeated() {
        let (_, _, place) = refused(r#"{"resourceType":"Observation","Maria da Silva":null}"#);
        assert_eq!(place.as_deref(), Some("Observation.?"));
    }

    #[test]
    fn depth_and_length_have_bounds() {
        let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        assert_eq!(refused(&deep).1, Code::TooCostly);
        let long = format!(r#"{{"resourceType":"Observation","status":"{}"}}"#, "x".repeat(MAX_STRING + 1));
        assert_eq!(refused(&long).1, Code::TooLong);
        let brackets = format!(r#"{{"resourceType":"Observation","status":"{}\""}}"#, "[".repeat(100));
        assert!(read(brackets.as_bytes()).is_ok(), "brackets in a string nest nothing");
    }

    #[test]
    fn what_is_no_resource_is_refused_without_being_quoted() {
        let failure = read(b"{\"resourceType\": Maria}").unwrap_err();
        assert_eq!(failure.status, 400);
        assert!(!format!("{failure:?}").contains("Maria"));
        assert_eq!(refused("[]").0, 400);
        assert_eq!(refused("{\"a\":1}").0, 400);
    }
}
