//! What the properties of a schema are in Rust: the `Spec` and the structs of its parts.
//!
//! What a schema leaves open (a choice of types, an object of anything) is a JSON value: compared as it is, never guessed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    names::{ident, pascal},
    schema::Schema,
};

/// Names that a file uses already.
const TAKEN: &[&str] = &[
    "Aws",
    "BTreeMap",
    "Box",
    "Changed",
    "Created",
    "DeleteOptions",
    "Deserialize",
    "Error",
    "Facts",
    "FoundBy",
    "Identity",
    "JsonSchema",
    "NameRule",
    "Option",
    "Output",
    "PhysicalId",
    "Rate",
    "Resource",
    "Result",
    "Seen",
    "Serialize",
    "String",
    "Tag",
    "Value",
    "Vec",
    "Wanted",
];

/// How deep parts go.
const DEPTH: usize = 64;

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Anything.
    Json,
    /// A tag.
    Tag,
    /// Several.
    List(Box<Self>),
    /// Several by name.
    Map(Box<Self>),
    /// A struct of its own.
    Part(String),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// As CloudFormation has it.
    pub property: String,
    /// As Rust has it.
    pub ident: String,
    /// What it is.
    pub shape: Shape,
    /// It has to be stated.
    pub required: bool,
    /// It holds, in the end, the struct that it is a field of.
    pub boxed: bool,
    /// Its documentation: what the schema says of its values.
    pub about: String,
}

/// A struct.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// The structs of a type: its `Spec` first.
pub fn parts(schema: &Schema) -> Vec<Part> {
    let mut builder = Builder { schema, names: BTreeMap::new(), done: BTreeMap::new(), order: Vec::new(), depth: 0 };
    let spec = format!("{}Spec", pascal(schema.name()));
    let mut fields: Vec<Field> = Vec::new();
    for (property, inner) in schema.properties() {
        let required = schema.requires(property) || schema.name_property() == Some(property);
        let mut field = builder.field(property, inner, required);
        if schema.tags() == Some(property) {
            field.shape = Shape::List(Box::new(Shape::Tag));
            field.about = "Its tags.".to_owned();
        }
        fields.push(field);
    }
    // The name first, then what has to be stated, tags last.
    fields.sort_by_key(|it| {
        let property = Some(it.property.as_str());
        (property == schema.tags(), property != schema.name_property(), !it.required)
    });
    let Builder { mut done, order, .. } = builder;
    let used = used(&fields, &done);
    let mut all = vec![Part { name: spec, fields }];
    all.extend(order.iter().filter(|it| used.contains(*it)).filter_map(|name| done.remove(name)));
    boxed(&mut all);
    all
}

struct Builder<'a> {
    schema: &'a Schema,
    /// Structs by where they stand in the schema.
    names: BTreeMap<String, String>,
    done: BTreeMap<String, Part>,
    order: Vec<String>,
    depth: usize,
}

impl Builder<'_> {
    fn field(&mut self, property: &str, schema: &Value, required: bool) -> Field {
        let shape = self.shape(schema, property);
        let about = about(self.schema.follow(schema).0, &shape);
        Field { property: property.to_owned(), ident: ident(property), shape, required, boxed: false, about }
    }

    fn shape(&mut self, schema: &Value, property: &str) -> Shape {
        self.depth += 1;
        // A list that is a list of itself has no end.
        let shape = if self.depth > DEPTH { Shape::Json } else { self.shape_of(schema, property) };
        self.depth -= 1;
        shape
    }

    fn shape_of(&mut self, schema: &Value, property: &str) -> Shape {
        let (at, name) = self.schema.follow(schema);
        match at["type"].as_str() {
            Some("string") => Shape::Text,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Boolean,
            Some("array") => Shape::List(Box::new(self.shape(&at["items"], &Schema::named(property)))),
            _ if at["properties"].as_object().is_some_and(|all| !all.is_empty()) => self.part(at, name, property),
            Some("object") => match at["patternProperties"].as_object().and_then(|all| all.values().next()) {
                Some(inner) => Shape::Map(Box::new(self.shape(inner, property))),
                None => Shape::Json,
            },
            _ => Shape::Json,
        }
    }

    fn part(&mut self, at: &Value, name: Option<&str>, property: &str) -> Shape {
        let wished = pascal(name.unwrap_or(property));
        // What is written out in place is known by its text.
        let key = name.map_or_else(|| at.to_string(), str::to_owned);
        if let Some(known) = self.names.get(&key) {
            return Shape::Part(known.clone());
        }
        let own = [pascal(self.schema.name()), format!("{}Spec", pascal(self.schema.name()))];
        let free = |it: &String| {
            !TAKEN.contains(&it.as_str()) && !own.contains(it) && !self.names.values().any(|taken| taken == it)
        };
        let more = (2..100).map(|number| format!("{wished}Part{number}"));
        let found = [wished.clone(), format!("{wished}Part")].into_iter().chain(more).find(free);
        let name = found.unwrap_or(wished);
        self.names.insert(key, name.clone());
        self.order.push(name.clone());
        let required = |name: &str| at["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
        let all = at["properties"].as_object().into_iter().flatten();
        let mut fields: Vec<Field> =
            all.map(|(property, inner)| self.field(property, inner, required(property))).collect();
        fields.sort_by_key(|it| !it.required);
        self.done.insert(name.clone(), Part { name: name.clone(), fields });
        Shape::Part(name)
    }
}

/// What the schema says of a value, in words.
fn about(at: &Value, shape: &Shape) -> String {
    let words: Vec<String> =
        at["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|it| format!("`{it}`")).collect();
    if let Some((last, others)) = words.split_last() {
        return if others.is_empty() { format!("{last}.") } else { format!("{} or {last}.", others.join(", ")) };
    }
    let bounds = |least: &str, most: &str| match (at[least].as_number(), at[most].as_number()) {
        (Some(least), Some(most)) if least == most => format!("{least}"),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    };
    let (characters, range, items) =
        (bounds("minLength", "maxLength"), bounds("minimum", "maximum"), bounds("minItems", "maxItems"));
    match shape {
        Shape::Text if characters.is_empty() => "A text.".to_owned(),
        Shape::Text => format!("A text: {characters} characters."),
        Shape::Integer if range.is_empty() => "A whole number.".to_owned(),
        Shape::Integer => format!("A whole number: {range}."),
        Shape::Number if range.is_empty() => "A number.".to_owned(),
        Shape::Number => format!("A number: {range}."),
        Shape::Boolean => "True or false.".to_owned(),
        Shape::Json => "Any JSON.".to_owned(),
        Shape::Tag => "A tag.".to_owned(),
        Shape::List(_) if items.is_empty() => "A list.".to_owned(),
        Shape::List(_) => format!("A list: {items} of them."),
        Shape::Map(_) => "Values by name.".to_owned(),
        Shape::Part(name) => format!("See `{name}`."),
    }
}

fn inner(shape: &Shape) -> Option<&String> {
    match shape {
        Shape::Part(name) => Some(name),
        Shape::List(inside) | Shape::Map(inside) => inner(inside),
        _ => None,
    }
}

/// The structs that these fields lead to: tags' own is not among them.
fn used(fields: &[Field], all: &BTreeMap<String, Part>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&String> = fields.iter().filter_map(|it| inner(&it.shape)).collect();
    while let Some(name) = next.pop() {
        if found.insert(name.clone()) {
            next.extend(all.get(name).into_iter().flat_map(|it| &it.fields).filter_map(|it| inner(&it.shape)));
        }
    }
    found
}

/// A struct that holds itself, with no list in between, has no size: those fields are boxed.
fn boxed(all: &mut [Part]) {
    let direct: BTreeMap<String, Vec<String>> = all
        .iter()
        .map(|part| {
            let parts = part.fields.iter().filter_map(|it| match &it.shape {
                Shape::Part(name) => Some(name.clone()),
                _ => None,
            });
            (part.name.clone(), parts.collect())
        })
        .collect();
    let reaches = |from: &str, to: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at.clone()) {
                next.extend(direct.get(&at).into_iter().flatten().cloned());
            }
        }
        false
    };
    for part in all {
        for field in &mut part.fields {
            field.boxed = matches!(&field.shape, Shape::Part(name) if reaches(name, &part.name));
        }
    }
}
