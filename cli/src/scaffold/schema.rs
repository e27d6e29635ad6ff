//! A resource schema of CloudFormation's registry, as far as a file is made of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::names;

/// The schema of one type.
pub struct Schema {
    root: Value,
    kind: String,
}

impl Schema {
    /// Reads the schema of `kind`; the error says why it is none.
    pub fn read(text: &str, kind: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let parts: Vec<&str> = kind.split("::").collect();
        let word = |it: &&str| !it.is_empty() && it.chars().all(|letter| letter.is_ascii_alphanumeric());
        if parts.len() != 3 || !parts.iter().all(word) || parts[2].starts_with(|it: char| it.is_ascii_digit()) {
            return Err(format!("`{kind}` is no type: write AWS::Service::Thing"));
        }
        match root["typeName"].as_str() {
            Some(it) if it == kind => {}
            Some(other) => return Err(format!("it is the schema of {other}, not of {kind}")),
            None => return Err("it has no `typeName`: it is no resource schema of CloudFormation".to_owned()),
        }
        match root["properties"].as_object() {
            Some(all) if !all.is_empty() => Ok(Self { root, kind: kind.to_owned() }),
            _ => Err("it has no `properties`".to_owned()),
        }
    }

    /// `AWS::Logs::MetricFilter`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// `MetricFilter`.
    pub fn name(&self) -> &str {
        self.kind.rsplit("::").next().unwrap_or(&self.kind)
    }

    /// `logs`: what the file calls the service.
    pub fn service(&self) -> String {
        self.kind.split("::").nth(1).unwrap_or_default().to_ascii_lowercase()
    }

    /// The schema itself.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// What a reference leads to, with the name that it has there.
    pub fn follow<'a>(&'a self, schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        let (mut at, mut name) = (schema, None);
        // A chain of references that does not end is no schema.
        for _ in 0..16 {
            let Some(reference) = at["$ref"].as_str() else { break };
            let Some(next) = self.root.pointer(reference.trim_start_matches('#')) else { break };
            (at, name) = (next, reference.rsplit('/').next());
        }
        (at, name)
    }

    /// Its properties, those that AWS alone tells left out.
    pub fn properties(&self) -> Vec<(&str, &Value)> {
        let told = self.pointers("readOnlyProperties");
        let all = self.root["properties"].as_object().into_iter().flatten();
        all.map(|(name, schema)| (name.as_str(), schema))
            .filter(|(name, schema)| !told.contains(&format!("/{name}")) && !self.is_told(name, schema, &told))
            .collect()
    }

    /// True if AWS alone tells each part of it.
    fn is_told(&self, name: &str, schema: &Value, told: &BTreeSet<String>) -> bool {
        let parts = self.follow(schema).0["properties"].as_object();
        parts.is_some_and(|all: &Map<String, Value>| {
            !all.is_empty() && all.keys().all(|part| told.contains(&format!("/{name}/{part}")))
        })
    }

    /// True if there is no such thing without this property.
    pub fn requires(&self, name: &str) -> bool {
        self.root["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name))
    }

    /// A list of properties (`createOnlyProperties`) as pointers of facts: `/A/*/B`.
    pub fn pointers(&self, list: &str) -> BTreeSet<String> {
        let texts = self.root[list].as_array().into_iter().flatten().filter_map(Value::as_str);
        texts
            .filter_map(|text| text.strip_prefix("/properties"))
            .map(|text| text.replace("/items/properties/", "/*/").replace("/properties/", "/"))
            .collect()
    }

    /// The same, of properties that the user states.
    pub fn stated(&self, list: &str) -> Vec<String> {
        let ours: BTreeSet<&str> = self.properties().into_iter().map(|(name, _)| name).collect();
        let first = |path: &str| path.split('/').nth(1).is_some_and(|name| ours.contains(name));
        self.pointers(list).into_iter().filter(|path| first(path)).collect()
    }

    /// The property that holds its tags.
    pub fn tags(&self) -> Option<&str> {
        let tagging = &self.root["tagging"];
        let said = tagging["tagProperty"].as_str().map_or("Tags", |it| it.trim_start_matches("/properties/"));
        let all = self.properties();
        let taggable = tagging["taggable"] != false && self.root["taggable"] != false;
        all.into_iter().map(|(name, _)| name).find(|name| taggable && *name == said)
    }

    /// The property that holds its name, for a type that has one: a text that never changes and is called after the type.
    pub fn name_property(&self) -> Option<&str> {
        let (fixed, ids) = (self.pointers("createOnlyProperties"), self.pointers("primaryIdentifier"));
        let fits = |name: &&str| {
            let stem = name.strip_suffix("Name");
            let of_it = stem.is_some_and(|stem| self.name().ends_with(stem));
            let alone = ids.len() == 1 && ids.contains(&format!("/{name}"));
            let is_text =
                self.properties().iter().any(|(it, schema)| it == name && self.follow(schema).0["type"] == "string");
            fixed.contains(&format!("/{name}")) && is_text && (of_it || alone && stem.is_some())
        };
        self.properties().into_iter().map(|(name, _)| name).find(fits)
    }

    /// What AWS alone tells, as outputs: `Arn`, `Endpoint.Address`; with true if the thing is known by it.
    pub fn outputs(&self) -> Vec<(String, bool)> {
        let ids = self.pointers("primaryIdentifier");
        let told = self.pointers("readOnlyProperties");
        let plain = told.iter().filter(|path| !path.contains('*'));
        plain.map(|path| (path[1..].replace('/', "."), ids.contains(path))).collect()
    }

    /// The properties that it is known by, if the user states all of them.
    pub fn place(&self) -> Option<Vec<String>> {
        let ids: Vec<String> = self.root["primaryIdentifier"]
            .as_array()?
            .iter()
            .filter_map(|it| it.as_str()?.strip_prefix("/properties/").map(str::to_owned))
            .collect();
        let ours: BTreeSet<&str> = self.properties().into_iter().map(|(name, _)| name).collect();
        (!ids.is_empty() && ids.iter().all(|it| ours.contains(it.as_str()))).then_some(ids)
    }

    /// The permissions that AWS's own provider of this type asks for: of one call (`create`), or of all of them.
    pub fn permissions(&self, call: Option<&str>) -> BTreeSet<String> {
        let handlers = self.root["handlers"].as_object().into_iter().flatten();
        let calls = handlers.filter(|(name, _)| call.is_none_or(|it| it == name.as_str()));
        let lists = calls.map(|(_, handler)| &handler["permissions"]);
        let tagging = call.is_none().then_some(&self.root["tagging"]["permissions"]);
        let all = lists.chain(tagging).filter_map(Value::as_array).flatten();
        all.filter_map(Value::as_str).filter(|it| !it.contains('*')).map(str::to_owned).collect()
    }

    /// The name of a part without one of its own: after the property that holds it.
    pub fn named(property: &str) -> String {
        let name = names::pascal(property);
        // `Rules` holds each a `Rule`.
        match name.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => name.strip_suffix('s').filter(|it| !it.ends_with('s')).unwrap_or(&name).to_owned(),
        }
    }
}
