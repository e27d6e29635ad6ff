//! From files to the desired graph: parse, merge, interpolate, check, expand. Every problem is collected, at its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use deployer_engine::{
    address::ComponentId,
    desired::{Desired, Scope},
    diagnostic::{Diagnostic, Place, Severity},
    lookup::Answers,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    check::{Misfit, check},
    component::Merged,
    document::{Document, documents},
    expand::Expander,
    interpolate::{Names, interpolate},
    kinds::Kinds,
    loaded::{Loaded, StackInfo},
    merge::merge,
    near::nearest,
    node::{Layer, Node, Origins, Yaml},
    source::Sources,
    stack::{Given, StackSpec, variables},
};

/// What to load, and with what.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The stack's folder.
    pub root: PathBuf,
    /// The environment; may be left out where there is only one.
    pub env: Option<String>,
    /// `--var`.
    pub vars: BTreeMap<String, String>,
    /// `DEPLOYER_VAR_x`, by x.
    pub env_vars: BTreeMap<String, String>,
    /// The account's number, if it was asked for.
    pub account: Option<String>,
    /// Another region than the environment's.
    pub region: Option<String>,
    /// The answers of look-ups, as far as they are known.
    pub answers: Answers,
    /// Components as a deployment recorded them, in the place of those of the files: what is gone back to.
    pub recorded: Option<Value>,
}

/// The resource types, as the caller knows them.
pub trait TypeCatalog {
    /// All names.
    fn types(&self) -> Vec<String>;
    /// The JSON Schema of a type's properties.
    fn schema(&self, kind: &str) -> Option<Value>;
    /// The property that holds a type's name: deployer mints it where the user states none.
    fn name(&self, kind: &str) -> Option<String>;
    /// The names of a type's outputs.
    fn outputs(&self, kind: &str) -> Option<Vec<String>>;
}

/// Why a stack cannot be loaded.
#[derive(Clone, Debug)]
pub struct Problems {
    /// All of them, in order of places.
    pub diagnostics: Vec<Diagnostic>,
    /// The files' texts.
    pub sources: Sources,
}

/// Loads the stack of a folder.
pub fn load(options: &LoadOptions, kinds: &Kinds, types: &dyn TypeCatalog) -> Result<Loaded, Problems> {
    let mut problems = Vec::new();
    let sources = Sources::read(&options.root, &mut problems);
    load_sources(sources, options, kinds, types, problems)
}

/// Loads a stack from texts.
pub fn load_sources(
    sources: Sources,
    options: &LoadOptions,
    kinds: &Kinds,
    types: &dyn TypeCatalog,
    problems: Vec<Diagnostic>,
) -> Result<Loaded, Problems> {
    let mut loader = Loader { options, kinds, problems };
    let loaded = loader.run(&sources, types);
    let mut diagnostics = loader.problems;
    diagnostics.sort_by(|a, b| (&a.at, &a.message).cmp(&(&b.at, &b.message)));
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|it| it.severity == Severity::Error);
    match loaded {
        Some(loaded) if !failed => Ok(Loaded { warnings: diagnostics, sources, ..loaded }),
        _ => Err(Problems { diagnostics, sources }),
    }
}

pub(crate) struct Loader<'a> {
    pub(crate) options: &'a LoadOptions,
    pub(crate) kinds: &'a Kinds,
    pub(crate) problems: Vec<Diagnostic>,
}

/// An environment's patches, by kind and name of what they patch.
pub(crate) type Patches<'d> = BTreeMap<(&'d str, &'d str), Vec<&'d Document>>;

/// Kinds that are no components.
const OTHERS: [&str; 3] = ["Stack", "Service", "InfraDefaults"];

impl Loader<'_> {
    fn run(&mut self, sources: &Sources, types: &dyn TypeCatalog) -> Option<Loaded> {
        let names: Vec<&str> = self.kinds.names().chain(OTHERS).collect();
        let all = documents(sources, &names, &mut self.problems);
        let (overlays, base): (Vec<Document>, Vec<Document>) = all.into_iter().partition(|it| it.overlay.is_some());
        self.check_duplicates(&base);
        let stack = self.the_stack(&base)?;
        let env = self.environment(stack)?;
        self.check_overlays(&overlays, &base, stack);
        let mut over = Patches::new();
        for patch in overlays.iter().filter(|it| it.overlay.as_ref() == Some(&env)) {
            over.entry((&patch.kind, &patch.name)).or_default().push(patch);
        }
        let stack_node = self.overlaid(stack, &over, &[]);
        let spec: StackSpec = self.decode(&stack_node)?;
        let (scope, names) = self.names(stack, &spec, &stack_node, &env)?;
        let defaults = self.defaults(&base, &over);
        let mut needs_account = false;
        let mut components = BTreeMap::new();
        for document in base.iter().filter(|it| !OTHERS.contains(&it.kind.as_str())) {
            let Some(kind) = self.kinds.get(&document.kind) else { continue };
            let built_in = Node::built_in(&(kind.defaults)());
            let lower = match defaults.get(&document.kind) {
                Some(defaults) => merge(built_in, defaults.clone(), kind.merge_keys, &mut self.problems),
                None => built_in,
            };
            let own = merge(lower, document.spec.clone(), kind.merge_keys, &mut self.problems);
            let merged = self.patched(own, document, &over, kind.merge_keys);
            let before = self.problems.len();
            let (node, asked) = interpolate(merged, &names, &mut self.problems);
            let unfinished = self.problems.len() > before;
            needs_account |= asked;
            let mut origins = Origins::new();
            let value = node.plain("", &mut origins);
            let id = ComponentId::new(&document.kind, &document.name);
            components.insert(id, Merged { document: document.clone(), value, origins, unfinished });
        }
        if let Some(recorded) = &self.options.recorded {
            components = crate::recorded::components(recorded, &components, stack);
        }
        let services = self.services(&base, &over, &components);
        let state = self.state_place(&stack_node, &names);
        let info = StackInfo { state, ..StackInfo::new(stack, &spec, &env, &services) };
        let mut tags = spec.tags.clone();
        tags.extend(spec.environments.get(&env).map(|it| it.tags.clone()).unwrap_or_default());
        let desired = Desired { scope, ..Desired::default() };
        let input = json!({"stack": stack.name, "environment": env, "components": components.iter().map(|(id, it)| (id.to_string(), it.value.clone())).collect::<BTreeMap<_, _>>()});
        let answers = &self.options.answers;
        let mut expander = Expander::new(self, &components, &services, &tags, types, answers);
        let mut desired = expander.run(desired);
        let of_services =
            services.iter().flat_map(|(name, it)| it.tests.iter().map(|test| (Some(name.clone()), test.clone())));
        let of_stack = crate::service::tests(&stack_node).into_iter().map(|test| (None, test));
        desired.tests = expander.tests(of_services.chain(of_stack).collect(), &names);
        let (asked, shown) = (expander.asked, expander.shown);
        Some(Loaded {
            shown,
            asked,
            desired,
            stack: info,
            warnings: Vec::new(),
            needs_account,
            sources: Sources::default(),
            input,
            components,
        })
    }

    fn check_duplicates(&mut self, base: &[Document]) {
        let mut seen: BTreeMap<(bool, &str), &Document> = BTreeMap::new();
        for document in base.iter().filter(|it| it.kind != "Stack" && it.kind != "InfraDefaults") {
            let key = (document.kind == "Service", document.name.as_str());
            if let Some(first) = seen.get(&key) {
                let message =
                    format!("the name `{}` is taken: names are unique in a stack, across kinds", document.name);
                let problem = Diagnostic::error("duplicate-name", document.name_at.clone(), message);
                self.problems.push(problem.related(first.name_at.clone(), format!("the {} of this name", first.kind)));
            } else {
                seen.insert(key, document);
            }
        }
    }

    fn the_stack<'d>(&mut self, base: &'d [Document]) -> Option<&'d Document> {
        let stacks: Vec<&Document> = base.iter().filter(|it| it.kind == "Stack").collect();
        match stacks.as_slice() {
            [one] => return Some(one),
            [] if self.problems.is_empty() => {
                let message =
                    format!("there is no stack in {}: no document of `kind: Stack`", self.options.root.display());
                self.problems.push(
                    Diagnostic::error("no-stack", Place::Input, message)
                        .help("`deployer init` makes one; -C names another folder"),
                );
            }
            [] => {}
            [first, second, ..] => {
                let problem = Diagnostic::error(
                    "two-stacks",
                    second.name_at.clone(),
                    "a folder holds one stack, and this is a second one",
                );
                self.problems.push(problem.related(first.name_at.clone(), "the first one"));
            }
        }
        None
    }

    /// The environment that is meant.
    fn environment(&mut self, stack: &Document) -> Option<String> {
        let node = stack.spec.get("environments");
        let Some(Yaml::Map(entries)) =
            node.map(|it| &it.value).filter(|it| matches!(it, Yaml::Map(all) if !all.is_empty()))
        else {
            let place = stack.spec.origin.place();
            self.problems.push(Diagnostic::error(
                "missing-field",
                place,
                "`environments` is missing: name at least one, with its region",
            ));
            return None;
        };
        let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        match (&self.options.env, names.as_slice()) {
            (Some(env), _) if names.contains(&env.as_str()) => Some(env.clone()),
            (Some(env), _) => {
                let place = node.map_or(Place::Input, |it| it.origin.place());
                let problem = Diagnostic::error(
                    "unknown-environment",
                    place,
                    format!("there is no environment `{env}`; there are {}", names.join(", ")),
                );
                let near = nearest(env, names.iter().copied());
                self.problems
                    .push(near.map_or(problem.clone(), |near| problem.help(format!("did you mean `{near}`?"))));
                None
            }
            (None, [one]) => Some((*one).to_owned()),
            (None, _) => {
                let message = format!("say which environment with -e: {}", names.join(", "));
                self.problems.push(Diagnostic::error("which-environment", Place::Input, message));
                None
            }
        }
    }

    /// Overlays patch what is there, for environments that are there.
    fn check_overlays(&mut self, overlays: &[Document], base: &[Document], stack: &Document) {
        let declared = stack.spec.get("environments");
        let there: BTreeSet<(&str, &str)> = base.iter().map(|it| (it.kind.as_str(), it.name.as_str())).collect();
        for overlay in overlays {
            let env = overlay.overlay.as_deref().unwrap_or_default();
            if declared.is_none_or(|it| it.get(env).is_none()) {
                let message =
                    format!("this is an overlay for the environment `{env}`, which the stack does not declare");
                self.problems.push(Diagnostic::error("unknown-environment", overlay.name_at.clone(), message));
            }
            if !there.contains(&(overlay.kind.as_str(), overlay.name.as_str())) {
                let message = format!("this is an overlay for {}.{}, which does not exist", overlay.kind, overlay.name);
                let problem = Diagnostic::error("overlay-of-nothing", overlay.name_at.clone(), message);
                let names: Vec<&str> =
                    base.iter().filter(|it| it.kind == overlay.kind).map(|it| it.name.as_str()).collect();
                let near = nearest(&overlay.name, names.iter().copied());
                self.problems
                    .push(near.map_or(problem.clone(), |near| problem.help(format!("did you mean `{near}`?"))));
            }
        }
    }

    /// A document's spec under its overlays.
    pub(crate) fn overlaid(&mut self, document: &Document, over: &Patches<'_>, keys: &[(&str, &str)]) -> Node {
        let own = merge(Node::default(), document.spec.clone(), keys, &mut self.problems);
        self.patched(own, document, over, keys)
    }

    fn patched(&mut self, own: Node, document: &Document, over: &Patches<'_>, keys: &[(&str, &str)]) -> Node {
        let mine = over.get(&(document.kind.as_str(), document.name.as_str()));
        mine.into_iter().flatten().fold(own, |lower, upper| merge(lower, upper.spec.clone(), keys, &mut self.problems))
    }

    /// Holds a spec against its type's schema, then decodes it.
    pub(crate) fn decode<T: DeserializeOwned + schemars::JsonSchema>(&mut self, node: &Node) -> Option<T> {
        let mut origins = Origins::new();
        let value = node.plain("", &mut origins);
        let misfits = check(&schemars::schema_for!(T).to_value(), &value, false);
        self.misfits(&misfits, &origins);
        if misfits.is_empty() { serde_json::from_value(value).ok() } else { None }
    }

    /// Misfits at their places.
    pub(crate) fn misfits(&mut self, misfits: &[Misfit], origins: &Origins) {
        for it in misfits {
            let mut problem = Diagnostic::error(it.code, place(origins, &it.path, it.key), it.message.clone());
            problem.help.clone_from(&it.help);
            self.problems.push(problem);
        }
    }

    /// Who is deployed where, and what `${..}` may name.
    fn names(&mut self, stack: &Document, spec: &StackSpec, node: &Node, env: &str) -> Option<(Scope, Names)> {
        let environment = spec.environments.get(env)?;
        if let Some(guard) =
            environment.account.as_ref().filter(|it| it.len() != 12 || !it.chars().all(|c| c.is_ascii_digit()))
        {
            let at = node.get("environments").and_then(|it| it.get(env)).and_then(|it| it.get("account"));
            let message = format!("`{guard}` is no account: its number has 12 digits, in quotes");
            self.problems.push(Diagnostic::error(
                "invalid-account",
                at.map_or(Place::Input, |it| it.origin.place()),
                message,
            ));
        }
        let region = self.options.region.clone().unwrap_or_else(|| environment.region.clone());
        let account = self.options.account.clone().or_else(|| environment.account.clone()).unwrap_or_default();
        let mut names = Names { account_unknown: account.is_empty(), ..Names::default() };
        let given = Given { env, env_vars: &self.options.env_vars, vars: &self.options.vars, node };
        variables(spec, &given, &mut names, &mut self.problems);
        let plain =
            [("stack.name", stack.name.as_str()), ("env.name", env), ("region", &region), ("account", &account)];
        names.values.extend(
            plain
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), json!(value))),
        );
        let partition = partition(&region).to_owned();
        Some((Scope { stack: stack.name.clone(), env: env.to_owned(), region, account, partition }, names))
    }

    /// `InfraDefaults` by kind, themselves overlaid.
    fn defaults(&mut self, base: &[Document], over: &Patches<'_>) -> BTreeMap<String, Node> {
        let mut found: BTreeMap<String, Node> = BTreeMap::new();
        for document in base.iter().filter(|it| it.kind == "InfraDefaults") {
            let Yaml::Map(entries) = self.overlaid(document, over, &[]).in_layer(Layer::Defaults).value else {
                continue;
            };
            for entry in entries {
                let Some(kind) = self.kinds.get(&entry.key) else {
                    let problem = Diagnostic::error(
                        "unknown-kind",
                        entry.origin.place(),
                        format!("there is no kind `{}`", entry.key),
                    );
                    let near = nearest(&entry.key, self.kinds.names());
                    self.problems
                        .push(near.map_or(problem.clone(), |near| problem.help(format!("did you mean `{near}`?"))));
                    continue;
                };
                let lower = found.remove(&entry.key).unwrap_or_default();
                found.insert(entry.key, merge(lower, entry.node, kind.merge_keys, &mut self.problems));
            }
        }
        found
    }
}

/// The place of a pointer: of its key or its value; where there is none, of the nearest above.
pub(crate) fn place(origins: &Origins, path: &str, key: bool) -> Place {
    let mut at = path;
    loop {
        if let Some((of_key, of_value)) = origins.get(at) {
            let origin = if key && at == path { of_key } else { of_value };
            if origin.at.is_some() {
                return origin.place();
            }
        }
        match at.rfind('/') {
            Some(cut) => at = &at[..cut],
            None => return Place::Input,
        }
    }
}

/// The partition of a region: a fact about AWS's region names.
pub fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}
