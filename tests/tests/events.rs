//! The lines of `apply --json`: their published shape, and that they have it.
//!
//! `docs/schema/events.json` is made from the types; `UPDATE_EXPECT=1` writes it. Another implementation of JSON Schema holds real lines
//! against it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::fs;

use deployer_engine::{event::Event, verdict::Finding};
use deployer_tests::{Result, build, emulator::Emulator, product::Product, sweep::tour};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

const PATH: &str = "docs/schema/events.json";

/// What a run came to.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a shape")]
#[schemars(rename_all = "camelCase")]
struct Run {
    /// The addresses of the steps that are done.
    done: Vec<String>,
    /// Those that failed.
    failed: Vec<Why>,
    /// Those that did not start.
    skipped: Vec<Why>,
    /// What reads said, if it came to that.
    verdict: Option<Vec<Finding>>,
    /// Why the state could not be written, if so.
    state_error: Option<String>,
}

/// A step, and why.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a shape")]
struct Why {
    /// Its address.
    address: String,
    /// Why it failed or did not start.
    why: String,
}

fn published() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let (event, run) = (generator.subschema_for::<Event>(), generator.subschema_for::<Run>());
    let results = ["succeeded", "failed", "interrupted", "rolled-back", "rollback-failed", "no-changes", "refused"];
    let summary = json!({
        "description": "The last line: how it ended. `rollback` is there if something was taken back.",
        "type": "object",
        "properties": {
            "event": {"const": "summary"},
            "result": {"enum": results},
            "deployment": {"type": "integer"},
            "rollback": run,
        },
        "required": ["event", "result"],
    });
    let failure = json!({
        "description": "The last line instead, if it could not begin or go on: an error, or what is wrong with the files.",
        "anyOf": [{"required": ["error"]}, {"required": ["diagnostics"]}],
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of `deployer apply --json`",
        "anyOf": [event, summary, failure],
        "$defs": generator.take_definitions(true),
    })
}

#[test]
fn the_shape_of_the_lines_is_the_published_one() -> Result<()> {
    let (path, found) = (build::workspace().join(PATH), format!("{:#}\n", published()));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return Ok(fs::write(path, found)?);
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == found,
        "{PATH} is not what the types say: UPDATE_EXPECT=1 writes it"
    );
    Ok(())
}

/// Which of the lines do not have the shape; the schema itself is checked first.
const CHECK: &str = "
import json, sys
import jsonschema
schema = json.loads(sys.argv[1])
jsonschema.Draft202012Validator.check_schema(schema)
event = jsonschema.Draft202012Validator({'$ref': '#/$defs/Event', '$defs': schema['$defs']})
line = jsonschema.Draft202012Validator(schema)
lines = [json.loads(text) for text in sys.argv[2].splitlines()]
bad = [it for it in lines if not (line if it.get('event') in (None, 'summary') else event).is_valid(it)]
print(json.dumps(bad))
";

#[test]
fn every_line_has_the_published_shape() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let product = Product::new(&emulator.client("events"))?;
    (tour::QUEUES.fill)(&product)?;
    let apply = ["apply", "-e", "dev", "--auto-approve", "--json"];
    let mut lines = product.succeed(&apply)?;
    assert!(lines.lines().count() > 10, "{lines}");
    lines += &product.succeed(&apply)?;
    let schema = published().to_string();
    assert_eq!(product.client().python(CHECK, &[&schema, &lines])?, json!([]));
    // It can tell what has not the shape.
    let bad = [r#"{"event": "step-done", "verb": "create"}"#, r#"{"event": "no-such"}"#, r#"{"event": "summary"}"#];
    let found = product.client().python(CHECK, &[&schema, &bad.join("\n")])?;
    assert_eq!(found.as_array().map(Vec::len), Some(bad.len()), "{found}");
    Ok(())
}
