//! JSON Schema and TypeScript types, generated from the vocabulary. `generated/` holds the current ones;
//! a test says when they are not, and writes them when `UPDATE_GENERATED=1`.

use crate::{
    envelope::{Event, StreamCommand, StreamNotice},
    handle::{NewSession, Receipt, SessionSummary, UnmappedCode, UnmatchedMessage},
    refusal::Refusal,
    transcript::Transcript,
    ward::{WardMessage, WardSnapshot},
    waveform::WaveformNotice,
};
use std::collections::BTreeMap;
use ts_rs::{TS, TypeVisitor};

/// JSON Schema (draft 2020-12) of an event.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Event).to_value()
}

/// TypeScript declarations of the vocabulary and the REST shapes.
pub fn typescript() -> String {
    struct Collect<'a>(&'a ts_rs::Config, BTreeMap<String, String>);
    impl TypeVisitor for Collect<'_> {
        fn visit<T: TS + 'static + ?Sized>(&mut self) {
            if T::output_path().is_none() {
                return;
            }
            let name = T::ident(self.0);
            if self.1.contains_key(&name) {
                return;
            }
            self.1.insert(name, T::decl(self.0));
            T::visit_dependencies(self);
        }
    }
    let config = ts_rs::Config::default();
    let mut collect = Collect(&config, BTreeMap::new());
    collect.visit::<Event>();
    collect.visit::<StreamNotice>();
    collect.visit::<StreamCommand>();
    collect.visit::<NewSession>();
    collect.visit::<SessionSummary>();
    collect.visit::<Receipt>();
    collect.visit::<Refusal>();
    collect.visit::<Transcript>();
    collect.visit::<UnmatchedMessage>();
    collect.visit::<UnmappedCode>();
    collect.visit::<WardMessage>();
    collect.visit::<WardSnapshot>();
    collect.visit::<WaveformNotice>();
    let mut text = String::from("// Generated from protocols/events. Do not edit: see schema.rs there.\n");
    for declaration in collect.1.values() {
        text.push_str("\nexport ");
        text.push_str(declaration);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn assert_current(file: &str, fresh: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated").join(file);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, fresh).unwrap();
        }
        let current = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            current == fresh,
            "{} is out of date: run `UPDATE_GENERATED=1 cargo test -p healthsync-events`",
            path.display()
        );
    }

    #[test]
    fn the_generated_json_schema_is_current() {
        let mut text = serde_json::to_string_pretty(&super::json_schema()).unwrap();
        text.push('\n');
        assert_current("event.schema.json", &text);
    }

    #[test]
    fn the_generated_typescript_is_current() {
        assert_current("events.ts", &super::typescript());
    }
}
