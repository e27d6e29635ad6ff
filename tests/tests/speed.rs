//! How much the web app takes: calls of an apply and of a plan, and how near an apply comes to its critical path.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures another process, in real time")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Stdio,
    time::Instant,
};

use deployer_tests::{Result, build, emulator::Emulator, product::Product};
use serde_json::Value;

const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];

fn web_app(emulator: &Emulator) -> Result<Product> {
    let product = Product::new(&emulator.client("speed"))?;
    product.fill(&build::workspace().join("fixtures/stacks/web-app"))?;
    Ok(product)
}

/// What each resource of the stack needs.
fn needs(product: &Product) -> Result<BTreeMap<String, Vec<String>>> {
    let graph: Value = serde_json::from_str(&product.succeed(&["graph", "-e", "dev", "--format", "json"])?)?;
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let nodes = graph["nodes"].as_array().into_iter().flatten();
    let needs = |it: &Value| it["needs"].as_array().into_iter().flatten().map(text).collect();
    Ok(nodes.map(|it| (text(&it["address"]), needs(it))).collect())
}

#[test]
fn an_apply_takes_four_calls_a_resource_and_an_empty_plan_one() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = web_app(&emulator)?;
    let resources = needs(&product)?.len() as u64;
    product.succeed(APPLY)?;
    let apply = product.client().calls()?;
    println!("apply: {} calls for {resources} resources: {:?}", apply.total, apply.by_operation);
    assert!(apply.total <= 4 * resources, "{} calls for {resources} resources", apply.total);

    product.client().clear_calls()?;
    assert_eq!(product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?.code, Some(0));
    let plan = product.client().calls()?;
    println!("plan: {} calls for {resources} resources: {:?}", plan.total, plan.by_operation);
    // The aim is half of this: one call can describe many resources of a type. What is reached is asserted.
    assert!(plan.total <= resources, "{} calls for {resources} resources", plan.total);
    Ok(())
}

/// When a step started and when it was done, in seconds of the run.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: f64,
    done: f64,
}

/// The steps of an apply as it says them, each line stamped as it comes, and how long the whole took.
fn spans(product: &Product) -> Result<(BTreeMap<String, Span>, f64)> {
    let mut child =
        product.command(&[APPLY, &["--json"]].concat()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().ok_or("no stdout")?;
    let (mut spans, mut start, mut end) = (BTreeMap::<String, Span>::new(), None, 0.0);
    for line in BufReader::new(stdout).lines() {
        let event: Value = serde_json::from_str(&line?)?;
        let address = event["address"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("step-started") => {
                let now = start.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
                spans.entry(address).or_default().start = now;
            }
            Some("step-done") => {
                end = start.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
                spans.entry(address).or_default().done = end;
            }
            _ => {}
        }
    }
    assert!(child.wait()?.success());
    Ok((spans, end))
}

/// The longest chain: a step stands behind what it needs. Where it started before that was done - the create call's answer was
/// enough - it stands behind the time from start to start.
fn critical(needs: &BTreeMap<String, Vec<String>>, spans: &BTreeMap<String, Span>) -> (f64, Vec<String>) {
    let mut order: Vec<(&String, &Span)> = spans.iter().collect();
    order.sort_by(|(_, one), (_, other)| one.start.total_cmp(&other.start));
    let mut chains: BTreeMap<&String, (f64, Option<&String>)> = BTreeMap::new();
    for (address, span) in order {
        let behind = |need: &String| {
            let (need, there) = spans.get_key_value(need)?;
            let (begin, _) = chains.get(need).copied()?;
            let early = span.start < there.done;
            Some((begin + if early { span.start - there.start } else { there.done - there.start }, Some(need)))
        };
        let all = needs.get(address).into_iter().flatten().filter_map(behind);
        chains.insert(address, all.max_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or((0.0, None)));
    }
    let end = |address: &String| chains[address].0 + spans[address].done - spans[address].start;
    let last = spans.keys().max_by(|one, other| end(one).total_cmp(&end(other)));
    let chain = std::iter::successors(last, |address| chains[*address].1).cloned().collect();
    (last.map_or(0.0, end), chain)
}

#[test]
fn an_apply_takes_little_longer_than_its_critical_path() -> Result<()> {
    // Slow enough that what the machine itself takes counts for little.
    let emulator = Emulator::start(0.1)?;
    let product = web_app(&emulator)?;
    let needs = needs(&product)?;
    let (spans, makespan) = spans(&product)?;
    let (path, chain) = critical(&needs, &spans);
    for address in chain.iter().rev() {
        println!("  {address}: {:.1} to {:.1} s", spans[address].start * 10.0, spans[address].done * 10.0);
    }
    println!("makespan {:.0} s, critical path {:.0} s: {:.2}", makespan * 10.0, path * 10.0, makespan / path);
    assert!(makespan <= 1.15 * path, "{makespan:.1} s, and the critical path is {path:.1} s");
    Ok(())
}
