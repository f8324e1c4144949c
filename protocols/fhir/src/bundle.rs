//! `POST [base]`: batches and transactions.
//!
//! A batch's entries stand alone. A transaction is checked as a whole first: if one entry could not be taken, none is
//! recorded. What was checked is then recorded in the order of the entries. Should the log fail in between (a full disk, a
//! queue that is full), the answer says so, and what was recorded by then stays: the same transaction sent again
//! records what is missing, and nothing twice.

use crate::{
    issue::{Code, Failure, Issue, outcome},
    json::Node,
    limits::{AT_ONCE, MAX_ENTRIES, MAX_RESOURCE_BYTES},
    observation::{read::Identifier, subject::Companions},
    query,
    resource::{Id, Kind, version},
    search::Search,
    service::{Created, Plan, Service, useless_for},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// What an entry asks for.
enum Ask<'a> {
    Create {
        resource: &'a Value,
        condition: Option<Identifier>,
    },
    /// A Patient, who says whom the Observations are about.
    Companion,
    Read(Kind, Id),
    Search(Box<Search>),
}

/// Carries a Bundle out; the answer is a Bundle with an entry for each.
pub async fn process(service: &Service, bundle: &Value, base: &str) -> Result<Value, Failure> {
    let root = Node::root(bundle);
    let mut issues = Vec::new();
    let kind = root.text("type", &mut issues);
    let entries = root.list_of("entry", MAX_ENTRIES, &mut issues);
    if let Some(too_long) = issues.iter().find(|issue| issue.code == Code::TooLong) {
        return Err(Failure::new(413, too_long.clone()));
    }
    if !issues.is_empty() {
        return Err(Failure::all(400, issues));
    }
    let patients = patients(&entries);
    let companions: Companions<'_> = &|url: &str| patients.get(url).copied().flatten();
    let asks: Vec<Result<Ask<'_>, Failure>> = entries.iter().map(read).collect();
    match kind {
        Some("batch") => {
            let answers = asks.into_iter().zip(&entries).map(|(ask, entry)| async move {
                match answer(service, ask, companions, base).await {
                    Ok(answer) => answer,
                    Err(failure) => failed(&failure.within(&entry.path)),
                }
            });
            let answers: Vec<_> = answers.collect();
            let answers: Vec<Value> = stream::iter(answers).buffered(AT_ONCE).collect().await;
            Ok(response("batch-response", answers))
        }
        Some("transaction") => transaction(service, asks, &entries, companions, base).await,
        Some(_) => Err(Failure::new(
            422,
            Issue::error(Code::NotSupported, "is neither batch nor transaction").at("Bundle.type"),
        )),
        None => Err(Failure::new(400, Issue::error(Code::Required, "is missing").at("Bundle.type"))),
    }
}

async fn answer(
    service: &Service,
    ask: Result<Ask<'_>, Failure>,
    companions: Companions<'_>,
    base: &str,
) -> Result<Value, Failure> {
    match ask? {
        Ask::Create { resource, condition } => {
            Ok(created(&service.create(resource, companions, condition.as_ref()).await?))
        }
        Ask::Companion => Ok(companion()),
        Ask::Read(kind, id) => Ok(found(service.read(kind, id).await?)),
        Ask::Search(search) => Ok(found(service.search(&search, base).await?)),
    }
}

async fn transaction(
    service: &Service,
    asks: Vec<Result<Ask<'_>, Failure>>,
    entries: &[Node<'_>],
    companions: Companions<'_>,
    base: &str,
) -> Result<Value, Failure> {
    let _alone = service.alone().await;
    let mut conditions = HashSet::new();
    let (mut plans, mut later) = (Vec::new(), Vec::new());
    for (index, (ask, entry)) in asks.into_iter().zip(entries).enumerate() {
        let within = |failure: Failure| failure.within(&entry.path);
        match ask.map_err(within)? {
            Ask::Create { resource, condition } => {
                if condition.as_ref().is_some_and(|condition| !conditions.insert(condition.clone())) {
                    let twice = Issue::error(Code::Duplicate, "stands in another entry as well");
                    return Err(Failure::new(400, twice.at(format!("{}.request.ifNoneExist", entry.path))));
                }
                let plan = match service.plan(resource, companions, condition.as_ref()).await {
                    Ok(plan) => usable(plan),
                    Err(failure) => Err(failure),
                };
                match plan {
                    Ok(plan) => plans.push((index, plan)),
                    Err(failure) if failure.status == 422 => {
                        return Err(service.keep(failure, resource, companions).await.within(&entry.path));
                    }
                    Err(failure) => return Err(failure.within(&entry.path)),
                }
            }
            // Reads see what the transaction has written.
            reading => later.push((index, reading)),
        }
    }
    let recorded = plans.into_iter().map(|(index, plan)| async move {
        let done = service.carry_out(plan).await;
        done.map(|done| (index, created(&done))).map_err(|failure| failure.within(&entries[index].path))
    });
    let recorded: Vec<_> = recorded.collect();
    let recorded: Vec<Result<(usize, Value), Failure>> = stream::iter(recorded).buffered(AT_ONCE).collect().await;
    let mut answers = recorded.into_iter().collect::<Result<HashMap<usize, Value>, Failure>>()?;
    for (index, ask) in later {
        let read = answer(service, Ok(ask), companions, base).await;
        answers.insert(index, read.map_err(|failure| failure.within(&entries[index].path))?);
    }
    let ordered = (0..entries.len()).filter_map(|index| answers.remove(&index)).collect();
    Ok(response("transaction-response", ordered))
}

/// In a transaction an Observation of which nothing can be used is an error before anything is recorded.
fn usable(plan: Plan) -> Result<Plan, Failure> {
    match plan {
        Plan::Record { incoming, .. } if incoming.useless => Err(useless_for(incoming.warnings)),
        plan => Ok(plan),
    }
}

/// What an entry asks for.
fn read<'a>(entry: &Node<'a>) -> Result<Ask<'a>, Failure> {
    let mut issues = Vec::new();
    let missing = |name: &str| Failure::new(400, Issue::error(Code::Required, format!("{name} is missing")));
    let request = entry.object("request", &mut issues).ok_or_else(|| missing("request"))?;
    let method = request.text("method", &mut issues);
    let url = request.text("url", &mut issues).ok_or_else(|| missing("request.url"))?;
    let url = url.trim_start_matches('/');
    match method {
        Some("POST" | "PUT") if is_for_patient(url) => Ok(Ask::Companion),
        Some("POST") => {
            let resource = entry.object("resource", &mut issues).ok_or_else(|| missing("resource"))?;
            let condition = request.text("ifNoneExist", &mut issues).map(condition).transpose()?;
            let kind = resource.value.get("resourceType").and_then(Value::as_str);
            if url != "Observation" || kind != Some("Observation") {
                return Err(unsupported("only Observations are taken, and Patients they are about"));
            }
            if resource.value.to_string().len() > MAX_RESOURCE_BYTES {
                return Err(Failure::new(413, Issue::error(Code::TooLong, "the resource is too long")));
            }
            if issues.is_empty() {
                Ok(Ask::Create { resource: resource.value, condition })
            } else {
                Err(Failure::all(400, issues))
            }
        }
        Some("GET") => asked(url),
        Some("PUT" | "PATCH" | "DELETE" | "HEAD") => Err(unsupported("only POST and GET are supported")),
        _ => Err(Failure::new(400, Issue::error(Code::CodeInvalid, "the request has no method"))),
    }
}

fn asked<'a>(url: &str) -> Result<Ask<'a>, Failure> {
    let (path, text) = url.split_once('?').unwrap_or((url, ""));
    let (name, id) = path.split_once('/').map_or((path, None), |(name, id)| (name, Some(id)));
    let kind = Kind::named(name).ok_or_else(|| unsupported("is not served here"))?;
    match id {
        Some(id) => {
            let id = id.parse().map_err(|()| Failure::not_found("there is no such resource"))?;
            Ok(Ask::Read(kind, id))
        }
        None => Ok(Ask::Search(Box::new(Search::read(kind, &query::pairs(text), false)?))),
    }
}

fn unsupported(what: &'static str) -> Failure {
    Failure::new(422, Issue::error(Code::NotSupported, what))
}

/// `If-None-Exist`: by identifier, and by nothing else.
pub fn condition(text: &str) -> Result<Identifier, Failure> {
    let refuse = |what: &'static str| Failure::new(400, Issue::error(Code::NotSupported, what));
    let pairs = query::pairs(text.trim_start_matches('?'));
    let [(name, value)] = &pairs[..] else {
        return Err(refuse("If-None-Exist must be identifier=system|value"));
    };
    if name != "identifier" || value.is_empty() {
        return Err(refuse("If-None-Exist must be identifier=system|value"));
    }
    let (system, value) = value.split_once('|').unwrap_or(("", value));
    Ok(Identifier { system: system.into(), value: value.into() })
}

/// `Patient`, `Patient/1` or `Patient?identifier=…`.
fn is_for_patient(url: &str) -> bool {
    url.split(['/', '?']).next() == Some("Patient")
}

/// Patients in the same Bundle, by `fullUrl` and by `Patient/{id}`: they are not stored, but say whom the others are
/// about. What could be either of two says nothing.
fn patients<'a>(entries: &[Node<'a>]) -> HashMap<String, Option<&'a Value>> {
    let mut found: HashMap<String, Option<&'a Value>> = HashMap::new();
    for entry in entries {
        let Some(patient) = entry.value.get("resource") else { continue };
        let text = |value: &'a Value, name: &str| value.get(name).and_then(Value::as_str);
        if text(patient, "resourceType") != Some("Patient") {
            continue;
        }
        let full = text(entry.value, "fullUrl").map(str::to_owned);
        let local = text(patient, "id").map(|id| format!("Patient/{id}")).filter(|local| full.as_ref() != Some(local));
        for address in full.iter().chain(&local) {
            found.entry(address.clone()).and_modify(|other| *other = None).or_insert(Some(patient));
        }
    }
    found
}

fn response(kind: &str, entries: Vec<Value>) -> Value {
    let mut bundle = json!({ "resourceType": "Bundle", "type": kind });
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    bundle
}

fn created(created: &Created) -> Value {
    let (etag, changed) = version(&created.resource);
    let mut response = json!({
        "status": if created.repeated { "200 OK" } else { "201 Created" },
        "location": format!("Observation/{}", created.id),
        "etag": etag,
    });
    if let Some(changed) = changed {
        response["lastModified"] = json!(changed.to_string());
    }
    if !created.warnings.is_empty() {
        response["outcome"] = outcome(&created.warnings);
    }
    json!({ "response": response })
}

/// What a Patient is answered: it has done its work, and is not there.
fn companion() -> Value {
    let told = "Patients are not stored: this one says whom the Observations of the Bundle are about";
    let outcome = outcome(&[Issue::error(Code::NotSupported, told).warning()]);
    json!({ "response": { "status": "200 OK", "outcome": outcome } })
}

fn found(resource: Value) -> Value {
    json!({ "resource": resource, "response": { "status": "200 OK" } })
}

fn failed(failure: &Failure) -> Value {
    json!({ "response": { "status": failure.status.to_string(), "outcome": failure.outcome() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_of_the_bundle_is_found_by_its_address_unless_two_have_it() {
        let patient =
            |url: &str, id: &str| json!({ "fullUrl": url, "resource": { "resourceType": "Patient", "id": id } });
        let bundle = json!({ "resourceType": "Bundle", "entry": [
            patient("urn:uuid:1", "a"),
            patient("https://one.example/Patient/b", "b"),
            patient("https://two.example/Patient/b", "b"),
            { "fullUrl": "urn:uuid:2", "resource": { "resourceType": "Group", "id": "c" } },
        ] });
        let entries = Node::root(&bundle).list("entry", &mut Vec::new());
        let found = patients(&entries);
        let id = |address: &str| found.get(address).copied().flatten().and_then(|patient| patient["id"].as_str());
        assert_eq!((id("urn:uuid:1"), id("Patient/a")), (Some("a"), Some("a")));
        assert_eq!((id("https://two.example/Patient/b"), id("Patient/b")), (Some("b"), None));
        assert_eq!((id("urn:uuid:2"), id("Patient/c")), (None, None));
    }

    #[test]
    fn patients_are_let_by_and_others_are_refused() {
        let ask = |method: &str, url: &str| {
            let request = json!({ "method": method, "url": url });
            let entry = json!({ "resource": { "resourceType": "Patient" }, "request": request });
            let asked = read(&Node::root(&entry));
            asked.map(|ask| matches!(ask, Ask::Companion)).map_err(|failure| failure.status)
        };
        for url in ["Patient", "Patient/1", "/Patient/1", "Patient?identifier=urn:mrn%7C1"] {
            assert_eq!((ask("PUT", url), ask("POST", url)), (Ok(true), Ok(true)), "{url}");
        }
        assert_eq!((ask("POST", "Patients"), ask("DELETE", "Patient/1")), (Err(422), Err(422)));
    }
}
