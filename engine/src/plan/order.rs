//! Who comes before whom, and the cycles that forbid it.
//!
//! Cycles are looked for among resources, not components; a cycle is reported as the path through the user's files.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{algo::kosaraju_scc, graph::DiGraph};

use crate::{
    address::{Address, ComponentId},
    desired::Desired,
    diagnostic::{Diagnostic, Place},
    expr,
};

/// What each resource needs: by reference, by sibling order, by `dependsOn`.
pub(super) type Needs = BTreeMap<Address, BTreeSet<Address>>;

/// The needs of all resources.
pub(super) fn needs(desired: &Desired) -> Needs {
    let mut of_component: BTreeMap<&ComponentId, Vec<&Address>> = BTreeMap::new();
    for address in desired.resources.keys() {
        of_component.entry(&address.component).or_default().push(address);
    }
    let barrier = |address: &Address| {
        let first = desired.components.get(&address.component).map(|it| it.depends_on.as_slice()).unwrap_or_default();
        first.iter().filter_map(|id| of_component.get(id)).flatten().map(|it| (*it).clone()).collect::<Vec<_>>()
    };
    let of = |address: &Address| {
        let resource = &desired.resources[address];
        let by_value = expr::references(&resource.properties).into_iter().map(|reference| reference.address);
        by_value.chain(resource.after.iter().cloned()).chain(barrier(address)).collect()
    };
    desired.resources.keys().map(|address| (address.clone(), of(address))).collect()
}

/// The resources with what they need first, or each cycle as a problem.
pub(super) fn sorted(needs: &Needs) -> Result<Vec<Address>, Vec<Diagnostic>> {
    let mut graph = DiGraph::<&Address, ()>::new();
    let nodes: BTreeMap<&Address, _> = needs.keys().map(|address| (address, graph.add_node(address))).collect();
    for (address, first) in needs {
        for other in first.iter().filter_map(|other| nodes.get(other)) {
            graph.add_edge(nodes[address], *other, ());
        }
    }
    // Kosaraju (iterative, so a long chain is no deep recursion) gives what is needed before what needs it.
    let groups = kosaraju_scc(&graph);
    let cyclic =
        |group: &Vec<_>| group.len() > 1 || group.first().is_some_and(|node| graph.contains_edge(*node, *node));
    let mut problems = Vec::new();
    for group in groups.iter().filter(|group| cyclic(group)) {
        let members: BTreeSet<&Address> = group.iter().map(|node| graph[*node]).collect();
        problems.push(cycle_problem(&members, needs));
    }
    if problems.is_empty() {
        Ok(groups.into_iter().flatten().map(|node| graph[node].clone()).collect())
    } else {
        Err(problems)
    }
}

/// A cycle as the way through the files: each member, and what it needs next.
fn cycle_problem(members: &BTreeSet<&Address>, needs: &Needs) -> Diagnostic {
    let mut way: Vec<&Address> = Vec::new();
    let mut here = members.first().copied();
    while let Some(at) = here {
        if let Some(start) = way.iter().position(|seen| *seen == at) {
            way.drain(..start);
            break;
        }
        way.push(at);
        here = needs[at].iter().find_map(|next| members.get(next).copied());
    }
    let place = |address: &Address| Place::Resource { address: address.clone(), path: String::new() };
    let names: Vec<String> = way.iter().chain(way.first()).map(ToString::to_string).collect();
    let start = way.first().map_or(Place::Input, |address| place(address));
    let mut problem =
        Diagnostic::error("cycle", start, format!("these need each other in a circle: {}", names.join(" -> ")))
            .help("take one of these references or `dependsOn` away");
    for (at, next) in way.iter().zip(way.iter().cycle().skip(1)) {
        problem = problem.related(place(at), format!("{at} needs {next}"));
    }
    problem
}
