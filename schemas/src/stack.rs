//! `kind: Stack`, `Service` and `InfraDefaults`: what is said about all components rather than one.

use std::collections::BTreeMap;

use deployer_engine::diagnostic::Diagnostic;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    interpolate::{Names, interpolate},
    load::Loader,
    near::nearest,
    node::Node,
};

/// A stack: what is deployed together, and where.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StackSpec {
    /// Where it is deployed, by name.
    pub environments: BTreeMap<String, Environment>,
    /// Values that differ between environments or runs.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Tags of everything that can be tagged.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Where the state is kept.
    #[serde(default)]
    pub state: Option<StatePlace>,
    /// What must hold of the whole once it stands: in this order, after the tests of Services.
    #[serde(default)]
    pub smoke_tests: Vec<Value>,
}

/// One environment.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// The region.
    pub region: String,
    /// The only account that it may be deployed to: a guard rail.
    #[serde(default)]
    pub account: Option<String>,
    /// Values of variables.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// What a failure or a bad verdict does: `automatic` takes the deployment back, `ask` asks first, `never` goes on with what is
    /// independent of it and leaves the rest as it is.
    #[serde(default)]
    pub rollback: Rollback,
    /// Tags of everything that can be tagged, over the stack's.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What a failure does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rollback {
    /// Nothing new is started, and what was done is taken back.
    #[default]
    Automatic,
    /// Nothing new is started, and the person is asked.
    Ask,
    /// What is independent of it goes on, and nothing is taken back.
    Never,
}

/// A variable.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variable {
    /// What it holds.
    #[serde(default, rename = "type")]
    pub kind: VariableType,
    /// Its value where nothing else gives one.
    #[serde(default)]
    pub default: Option<Value>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The only values that it may have.
    #[serde(default)]
    pub allowed: Vec<Value>,
}

/// What a variable holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    /// A text.
    #[default]
    String,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list; as text: JSON.
    List,
    /// A map; as text: JSON.
    Map,
}

/// Where the state is kept: a bucket, and a table for the locks. `${env.name}` and the like may stand in each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatePlace {
    /// The bucket.
    pub bucket: String,
    /// What stands before every key.
    #[serde(default)]
    pub prefix: String,
    /// The table of the locks; `deployer-state-locks` if nothing is said.
    #[serde(default)]
    pub table: Option<String>,
    /// The region of both; the environment's if nothing is said.
    #[serde(default)]
    pub region: Option<String>,
    /// The account that the bucket has to belong to: a guard rail; the environment's `account` if nothing is said.
    #[serde(default)]
    pub account: Option<String>,
}

/// A group of components with an owner.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// How much depends on it.
    #[serde(default)]
    pub tier: Option<String>,
    /// Its components, by name.
    #[serde(default)]
    pub components: Vec<String>,
    /// The folder whose components it has; without both: the folder that its document lies in.
    #[serde(default)]
    pub folder: Option<String>,
    /// What must hold of its components together once they stand, in this order.
    #[serde(default)]
    pub smoke_tests: Vec<Value>,
}

impl VariableType {
    fn word(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
        }
    }

    /// The value that a text from the command line or the environment means.
    fn parse(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::String(text.to_owned())),
            _ => serde_json::from_str(text).ok().filter(|value| self.fits(value)),
        }
    }
}

impl Loader<'_> {
    /// Where the state is kept. It has to be known before AWS is asked for anything.
    pub(crate) fn state_place(&mut self, stack: &Node, names: &Names) -> Option<StatePlace> {
        let node = stack.get("state")?.clone();
        let place = node.origin.place();
        let (node, wants_account) = interpolate(node, names, &mut self.problems);
        if wants_account {
            let message =
                "where the state is depends on `${account}`, and the account is not known before the state is read";
            let problem = Diagnostic::error("unknown-account", place, message);
            self.problems.push(problem.help("say `account` in the environment: it is a guard rail as well"));
            return None;
        }
        self.decode(&node)
    }
}

/// Where values of variables come from, the strongest last.
pub(crate) struct Given<'a> {
    /// The environment's name.
    pub env: &'a str,
    /// `DEPLOYER_VAR_x`.
    pub env_vars: &'a BTreeMap<String, String>,
    /// `--var`.
    pub vars: &'a BTreeMap<String, String>,
    /// The Stack's spec, for places.
    pub node: &'a Node,
}

/// The values of all variables: default < environment < `DEPLOYER_VAR_x` < `--var`.
pub(crate) fn variables(spec: &StackSpec, given: &Given<'_>, names: &mut Names, problems: &mut Vec<Diagnostic>) {
    use deployer_engine::diagnostic::Place;
    for name in given.vars.keys().filter(|name| !spec.variables.contains_key(*name)) {
        let problem = Diagnostic::error(
            "unknown-variable",
            Place::Input,
            format!("--var {name}: the stack declares no such variable"),
        );
        let near = nearest(name, spec.variables.keys().map(String::as_str));
        problems.push(near.map_or(problem.clone(), |near| problem.help(format!("did you mean `{near}`?"))));
    }
    let environment = spec.environments.get(given.env);
    let at_env = given.node.get("environments").and_then(|it| it.get(given.env)).and_then(|it| it.get("variables"));
    for name in environment.iter().flat_map(|it| it.variables.keys()).filter(|name| !spec.variables.contains_key(*name))
    {
        let place = at_env.and_then(|it| it.entry(name)).map_or(Place::Input, |it| it.origin.place());
        problems.push(Diagnostic::error("unknown-variable", place, format!("the stack declares no variable `{name}`")));
    }
    for (name, variable) in &spec.variables {
        let declared =
            given.node.get("variables").and_then(|it| it.entry(name)).map_or(Place::Input, |it| it.origin.place());
        let of_env = environment.and_then(|it| it.variables.get(name)).cloned();
        let place = match &of_env {
            Some(_) => at_env.and_then(|it| it.get(name)).map_or(Place::Input, |it| it.origin.place()),
            None => declared,
        };
        let text = given
            .vars
            .get(name)
            .map(|text| ("--var", text))
            .or_else(|| given.env_vars.get(name).map(|text| ("DEPLOYER_VAR_", text)));
        let word = variable.kind.word();
        let value = match text {
            Some((from, text)) => {
                let parsed = variable.kind.parse(text);
                if parsed.is_none() {
                    problems.push(Diagnostic::error(
                        "wrong-type",
                        Place::Input,
                        format!("{from} {name}: expected {word}, found `{text}`"),
                    ));
                }
                parsed
            }
            None => of_env.or_else(|| variable.default.clone()),
        };
        let Some(value) = value else {
            names.missing.push(name.clone());
            continue;
        };
        if !variable.kind.fits(&value) {
            problems.push(Diagnostic::error(
                "wrong-type",
                place,
                format!("the variable `{name}`: expected {word}, found `{value}`"),
            ));
        } else if !variable.allowed.is_empty() && !variable.allowed.contains(&value) {
            let allowed: Vec<String> = variable.allowed.iter().map(ToString::to_string).collect();
            problems.push(Diagnostic::error(
                "not-one-of",
                place,
                format!("the variable `{name}` is {value}; it is one of {}", allowed.join(", ")),
            ));
        }
        names.values.insert(format!("var.{name}"), value);
    }
}
