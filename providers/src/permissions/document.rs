//! From grants to documents: what belongs together is merged, named, sorted, and cut to IAM's limit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::table::Condition;

/// The longest managed policy, in characters without whitespace.
pub const LIMIT: usize = 6_144;
/// In its ARNs stand kinds of things and no names, and no action is for another kind than those that it is granted on: all of one
/// condition share a statement.
const KINDS_ALONE: &str = "ec2";
/// Keys whose value says which thing is meant: statements that differ in it alone are one, with all of their values.
const TELLING: [&str; 2] = ["ec2:CreateAction", "iam:AWSServiceName"];
const READS: [&str; 5] = ["Describe", "Get", "Head", "List", "Scan"];

/// Actions of one service on some things.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) actions: BTreeSet<String>,
    pub(super) resources: BTreeSet<String>,
    pub(super) condition: Condition,
}

impl Statement {
    fn service(&self) -> &str {
        self.actions.first().and_then(|it| it.split(':').next()).unwrap_or_default()
    }

    /// What it may be merged by.
    fn key(&self) -> (String, Condition, BTreeSet<String>) {
        let mut condition = self.condition.clone();
        let telling = condition.values_mut().flatten().filter(|(key, _)| TELLING.contains(&key.as_str()));
        let tells = telling.map(|(_, values)| values.clear()).count() > 0;
        let everywhere = self.resources.contains("*");
        let kinds_alone = self.service() == KINDS_ALONE && !everywhere;
        let apart = if tells || kinds_alone { BTreeSet::new() } else { self.resources.clone() };
        (self.service().to_owned(), condition, apart)
    }

    /// With all that another of its key allows.
    fn merge(&mut self, other: Self) {
        self.actions.extend(other.actions);
        self.resources.extend(other.resources);
        for (operator, keys) in other.condition {
            let mine = self.condition.entry(operator).or_default();
            for (key, values) in keys {
                let all = mine.entry(key).or_default();
                all.extend(values);
                all.sort();
                all.dedup();
            }
        }
    }

    /// `Ec2Read`, `IamPassRole`: what it is in a word.
    fn word(&self) -> String {
        let names: Vec<&str> = self.actions.iter().filter_map(|it| it.split_once(':')).map(|it| it.1).collect();
        let what = match names.as_slice() {
            [one @ ("PassRole" | "CreateServiceLinkedRole" | "CreateTags")] => one,
            all if all.iter().all(|name| READS.iter().any(|verb| name.starts_with(verb))) => "Read",
            _ => "Change",
        };
        let capital = |part: &str| {
            let mut letters = part.chars();
            letters.next().map(|it| it.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
        };
        let service: String = self.service().split('-').map(capital).collect();
        format!("{service}{what}")
    }

    fn json(&self, sid: &str) -> Value {
        let mut it = json!({"Sid": sid, "Effect": "Allow", "Action": self.actions, "Resource": self.resources});
        if !self.condition.is_empty() {
            it["Condition"] = json!(self.condition);
        }
        it
    }
}

/// Each service's own statements, merged; resources that another pattern covers are left out.
pub(super) fn statements(granted: Vec<Statement>) -> Vec<Statement> {
    let mut apart: Vec<Statement> = Vec::new();
    for it in granted {
        let services: BTreeSet<&str> = it.actions.iter().filter_map(|action| action.split(':').next()).collect();
        for service in services {
            let mine = |action: &&String| action.split(':').next() == Some(service);
            let actions = it.actions.iter().filter(mine).cloned().collect();
            apart.push(Statement { actions, ..it.clone() });
        }
    }
    let mut merged: BTreeMap<_, Statement> = BTreeMap::new();
    for mut it in apart {
        it.resources = widest(&it.resources);
        match merged.get_mut(&it.key()) {
            Some(there) => there.merge(it),
            None => drop(merged.insert(it.key(), it)),
        }
    }
    merged.into_values().map(|it| Statement { resources: widest(&it.resources), ..it }).collect()
}

/// Without what another pattern covers.
fn widest(all: &BTreeSet<String>) -> BTreeSet<String> {
    let covers =
        |wide: &String, it: &String| wide != it && wide.strip_suffix('*').is_some_and(|start| it.starts_with(start));
    all.iter().filter(|it| !all.iter().any(|wide| covers(wide, it))).cloned().collect()
}

/// Halves, until each fits into a document of its own; one resource is never cut.
fn cut(it: Statement, room: usize) -> Vec<Statement> {
    let half = it.resources.len() / 2;
    if half == 0 || it.json(&it.word()).to_string().len() <= room {
        return vec![it];
    }
    let (one, two): (Vec<_>, Vec<_>) = it.resources.iter().cloned().enumerate().partition(|(at, _)| *at < half);
    let part =
        |some: Vec<(usize, String)>| Statement { resources: some.into_iter().map(|it| it.1).collect(), ..it.clone() };
    [part(one), part(two)].into_iter().flat_map(|part| cut(part, room)).collect()
}

/// Documents that fit, in the order of services.
pub(super) fn documents(all: Vec<Statement>) -> Vec<Value> {
    let document = |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements});
    // A Sid's number and a comma.
    let room = LIMIT - document(&[]).to_string().len() - 5;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut pages: Vec<Vec<Value>> = vec![Vec::new()];
    for it in all.into_iter().flat_map(|it| cut(it, room)) {
        let count = counts.entry(it.word()).or_default();
        *count += 1;
        let number = if *count == 1 { String::new() } else { count.to_string() };
        let statement = it.json(&format!("{}{number}", it.word()));
        if let Some(page) = pages.last_mut() {
            page.push(statement.clone());
            if page.len() > 1 && document(page).to_string().chars().count() > LIMIT {
                page.pop();
                pages.push(vec![statement]);
            }
        }
    }
    pages.iter().map(|page| document(page)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(actions: &[&str], resources: impl IntoIterator<Item = String>, condition: Condition) -> Statement {
        let actions = actions.iter().map(|it| (*it).to_owned()).collect();
        Statement { actions, resources: resources.into_iter().collect(), condition }
    }

    fn when(key: &str, value: &str) -> Condition {
        let keys = BTreeMap::from([(key.to_owned(), vec![value.to_owned()])]);
        Condition::from([("StringEquals".to_owned(), keys)])
    }

    #[test]
    fn what_is_too_long_is_cut_and_nothing_is_lost() {
        let names: BTreeSet<String> =
            (0..300).map(|n| format!("arn:aws:sqs:eu-west-1:111122223333:orders-{n}.fifo")).collect();
        let documents = documents(statements(vec![statement(&["sqs:CreateQueue"], names.clone(), Condition::new())]));
        assert!(documents.len() > 1 && documents.iter().all(|it| it.to_string().len() <= LIMIT), "{}", documents.len());
        let lists = documents.iter().flat_map(|it| it["Statement"].as_array().into_iter().flatten());
        let found: BTreeSet<String> = lists
            .flat_map(|it| it["Resource"].as_array().into_iter().flatten())
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
        assert_eq!(found, names);
    }

    #[test]
    fn what_differs_in_a_telling_key_alone_is_one_and_all_else_stays_apart() {
        let tags = |kind: &str, verb: &str| {
            statement(&["ec2:CreateTags"], [format!("arn:aws:ec2:::{kind}/*")], when("ec2:CreateAction", verb))
        };
        let merged = statements(vec![tags("vpc", "CreateVpc"), tags("subnet", "CreateSubnet")]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].condition["StringEquals"]["ec2:CreateAction"], ["CreateSubnet", "CreateVpc"]);
        let bucket =
            |name: &str, action: &str| statement(&[action], [format!("arn:aws:s3:::{name}")], Condition::new());
        assert_eq!(statements(vec![bucket("state", "s3:ListBucket"), bucket("own", "s3:DeleteBucket")]).len(), 2);
        let pass = |service: &str| {
            statement(&["iam:PassRole"], ["arn:aws:iam::1:role/a".to_owned()], when("iam:PassedToService", service))
        };
        assert_eq!(statements(vec![pass("a"), pass("b")]).len(), 2);
    }
}
