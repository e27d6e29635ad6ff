//! Loading, merging and expanding stacks of 48 to 10,000 components, in memory.

#![allow(clippy::expect_used, reason = "a benchmark stops where it is wrong")]

use deployer_schemas::{Kinds, LoadOptions, Sources, TypeCatalog, load_sources};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATED: divan::AllocProfiler = divan::AllocProfiler::system();

struct Any;

impl TypeCatalog for Any {
    fn types(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, _: &str) -> Option<Value> {
        Some(json!({"type": "object"}))
    }

    fn name(&self, _: &str) -> Option<String> {
        None
    }

    fn outputs(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}

fn sources(count: usize) -> Sources {
    let stack = "apiVersion: deployer.dev/v1\nkind: Stack\nmetadata: {name: many}\nspec: {environments: {dev: {region: eu-west-1}}}\n";
    let texts = (0..count / 100 + 1).flat_map(|file| {
        let numbers = file * 100..(file * 100 + 100).min(count);
        let queue = |n: usize| format!("---\napiVersion: deployer.dev/v1\nkind: SQS\nmetadata: {{name: q{n}}}\nspec: {{delay: 5, deadLetter: {{maxReceives: 3}}}}\n");
        let patch = |n: usize| format!("---\napiVersion: deployer.dev/v1\nkind: SQS\nmetadata: {{name: q{n}}}\nspec: {{delay: 6}}\n");
        [
            (format!("c{file}.yaml"), numbers.clone().map(queue).collect::<String>()),
            (format!("overlays/dev/c{file}.yaml"), numbers.map(patch).collect::<String>()),
        ]
    });
    Sources::from_texts(std::iter::once(("stack.yaml".to_owned(), stack.to_owned())).chain(texts))
}

#[divan::bench(args = [48, 100, 1_000, 10_000], sample_count = 5)]
fn parse_merge_expand(bencher: divan::Bencher<'_, '_>, count: usize) {
    let sources = sources(count);
    bencher.bench(|| {
        load_sources(sources.clone(), &LoadOptions::default(), &Kinds::standard(), &Any, Vec::new())
            .expect("loads")
            .desired
            .resources
            .len()
    });
}

fn main() {
    divan::main();
}
