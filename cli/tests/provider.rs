//! What `provider` prints and writes: the binary alone, without a network or a stack.
//!
//! `fixtures/cfn/schemas` are schemas in CloudFormation's form, `fixtures/cfn/scaffolds` what is written for them, `said` what is
//! said; `UPDATE_EXPECT=1` writes those anew. The crate under `fixtures/out-of-tree` compiles them.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cfn").canonicalize().expect("a folder")
}

/// Holds a text against a file of `fixtures/cfn`.
fn same(file: &str, text: &str) {
    let path = fixtures().join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("it can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{file} is other than this (UPDATE_EXPECT=1 writes it):\n{text}");
}

/// The page for authors shows what is said, word for word.
fn on_the_page(text: &str) {
    let page = fs::read_to_string(fixtures().join("../../docs/providers.md")).expect("the page");
    assert!(page.contains(text.trim_end()), "docs/providers.md does not show this:\n{text}");
}

/// Runs it; nothing of the machine's AWS configuration is there.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
    command.current_dir(folder).arg("provider").args(arguments).env_clear();
    command.output().expect("it runs")
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn schema(name: &str) -> String {
    fixtures().join("schemas").join(name).display().to_string()
}

#[test]
fn each_schema_becomes_the_files_that_are_compiled_elsewhere() {
    for (name, kind) in [
        ("everything", "Kit::Shapes::Everything"),
        ("instance_profile", "AWS::IAM::InstanceProfile"),
        ("metric_filter", "AWS::Logs::MetricFilter"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let said = told(folder.path(), &["new", kind, "--schema", &schema(&format!("{name}.json")), "--json"]);
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(said["written"].as_array().map(Vec::len), Some(2), "{said:#}");
        for file in [format!("src/{name}.rs"), format!("fixtures/resources/{name}/one.yaml")] {
            let written = fs::read_to_string(folder.path().join(name).join(&file)).expect("it was written");
            same(&format!("scaffolds/{name}/{file}"), &written);
        }
    }
}

#[test]
fn what_is_left_is_said_and_nothing_is_written_over() {
    let folder = TempDir::new().expect("a folder");
    let new = ["new", "AWS::Logs::MetricFilter", "--schema", &schema("metric_filter.json"), "--out", "."];
    let said = told(folder.path(), &new);
    same("said/new.txt", &said);
    on_the_page(&said);
    let again = run(folder.path(), &new);
    assert_eq!(again.status.code(), Some(1));
    same("said/new-again.txt", &String::from_utf8_lossy(&again.stderr));
}

#[test]
fn what_is_no_schema_of_it_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let of = |kind: &str, file: &str| {
        let output = run(folder.path(), &["new", kind, "--schema", file]);
        assert_eq!(output.status.code(), Some(64), "{kind} {file}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(of("AWS::Logs::LogStream", &schema("metric_filter.json")).contains("not of AWS::Logs::LogStream"));
    assert!(of("MetricFilter", &schema("metric_filter.json")).contains("write AWS::Service::Thing"));
    assert!(of("AWS::Logs::LogStream", "nowhere.json").contains("cannot be read"));
    fs::write(folder.path().join("not.json"), "{").expect("a file");
    assert!(of("AWS::Logs::LogStream", "not.json").contains("it is no JSON"));
    assert!(fs::read_dir(folder.path()).expect("a folder").count() == 1, "something was written");
}

#[test]
fn all_types_fit_the_line() {
    let here = TempDir::new().expect("a folder");
    let text = told(here.path(), &["list"]);
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    for words in ["AWS::SQS", "  Queue ", "AWS::EC2", "  SubnetRouteTableAssociation ", "found"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    let data: Value = serde_json::from_str(&told(here.path(), &["list", "--json"])).expect("JSON");
    let all = data["types"].as_array().expect("a list");
    let queue = all.iter().find(|it| it["type"] == "AWS::SQS::Queue").expect("it is there");
    assert_eq!(queue["foundBy"], "name");
    assert!(queue["createOnly"].as_array().is_some_and(|it| it.iter().any(|it| it == "QueueName")));
}

#[test]
fn one_type_is_told_in_full() {
    let here = TempDir::new().expect("a folder");
    let said = told(here.path(), &["list", "AWS::Logs::LogGroup"]);
    same("said/log_group.txt", &said);
    on_the_page(&said);
    let output = run(here.path(), &["list", "AWS::Logs::LogGrup"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean AWS::Logs::LogGroup?"));
}
