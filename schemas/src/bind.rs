//! `valueFrom`: references in the place of what only another component, a secret or a parameter can tell.

use std::collections::BTreeMap;

use deployer_engine::{address::ComponentId, diagnostic::Diagnostic, expr};
use serde_json::{Map, Value, json};

use crate::{
    directory::Directory,
    kinds::{Outputs, Source},
    load::{Loader, TypeCatalog, place},
    near::nearest,
    node::Origins,
};

/// Puts references in the place of `valueFrom`.
pub(crate) struct Binder<'a, 'b> {
    pub(crate) loader: &'a mut Loader<'b>,
    pub(crate) outputs: &'a BTreeMap<ComponentId, (Outputs, Value)>,
    pub(crate) directory: &'a Directory,
    pub(crate) origins: &'a Origins,
    pub(crate) types: &'a dyn TypeCatalog,
}

impl Binder<'_, '_> {
    pub(crate) fn bind(&mut self, value: &Value, path: &str) -> Value {
        match value {
            Value::Object(map) => match map.get("valueFrom").filter(|_| map.len() == 1) {
                Some(from) => self.reference(from, &format!("{path}/valueFrom")),
                None => map
                    .iter()
                    .map(|(key, item)| {
                        (key.clone(), self.bind(item, &format!("{path}/{}", deployer_engine::diff::escape(key))))
                    })
                    .collect::<Map<_, _>>()
                    .into(),
            },
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.bind(item, &format!("{path}/{index}"))).collect()
            }
            plain => plain.clone(),
        }
    }

    fn problem(&mut self, path: &str, code: &str, message: String, help: Option<String>) {
        let problem = Diagnostic::error(code, place(self.origins, path, false), message);
        self.loader.problems.push(Diagnostic { help, ..problem });
    }

    fn reference(&mut self, from: &Value, path: &str) -> Value {
        let text = |name: &str| from.get(name).and_then(Value::as_str);
        match (text("component"), text("output"), text("secret"), text("ssm")) {
            (Some(component), Some(output), None, None) => return self.output(component, output, path),
            (None, None, Some(_), None) | (None, None, None, Some(_)) => return expr::secret(from.clone()),
            _ => {}
        }
        let message = "`valueFrom` is one of {component, output}, {secret}, {ssm}".to_owned();
        self.problem(path, "bad-reference", message, None);
        expr::secret(json!({}))
    }

    fn output(&mut self, component: &str, output: &str, path: &str) -> Value {
        let id = match self.directory.find(component) {
            Ok(id) => id,
            Err(help) => {
                self.problem(
                    &format!("{path}/component"),
                    "unknown-component",
                    format!("there is no component `{component}`"),
                    help,
                );
                return expr::secret(json!({}));
            }
        };
        let Some((outputs, spec)) = self.outputs.get(id) else { return expr::secret(json!({})) };
        let names: Vec<String> = match outputs.get("*") {
            Some(Source::Of { role, .. }) => {
                let all = self.types.outputs(spec["type"].as_str().unwrap_or_default()).unwrap_or_default();
                if all.iter().any(|name| name == output) {
                    return expr::reference(&id.at(role), output);
                }
                all
            }
            _ => {
                if let Some(source) = outputs.get(output) {
                    return source.value(id);
                }
                outputs.keys().cloned().collect()
            }
        };
        let near = nearest(output, names.iter().map(String::as_str));
        let help =
            near.map_or_else(|| format!("there are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        self.problem(&format!("{path}/output"), "unknown-output", format!("{id} has no output `{output}`"), Some(help));
        expr::secret(json!({}))
    }
}
