//! The graph for programs that draw: a box for each component, a node for each resource with its wave, an arrow to what it needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use deployer_engine::{
    address::{Address, ComponentId},
    plan::Node,
};

fn by_component(nodes: &[Node]) -> BTreeMap<&ComponentId, Vec<&Node>> {
    let mut found: BTreeMap<&ComponentId, Vec<&Node>> = BTreeMap::new();
    nodes.iter().for_each(|node| found.entry(&node.address.component).or_default().push(node));
    found
}

/// Arrows that say something: what is reached by way of another need is left out.
fn arrows(nodes: &[Node]) -> Vec<(&Address, &Address)> {
    let needs: BTreeMap<&Address, &BTreeSet<Address>> = nodes.iter().map(|node| (&node.address, &node.needs)).collect();
    let mut all: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
    // What is needed comes first in the list: its own needs are complete when it is reached.
    for node in nodes {
        let further = node.needs.iter().flat_map(|need| all.get(need).cloned().unwrap_or_default());
        let reached: BTreeSet<&Address> = node.needs.iter().chain(further).collect();
        all.insert(&node.address, reached);
    }
    let direct = |from: &Address, to: &Address| {
        let others = needs.get(from).into_iter().flat_map(|needs| needs.iter()).filter(|other| *other != to);
        !others.into_iter().any(|other| all.get(other).is_some_and(|reached| reached.contains(to)))
    };
    let pairs = nodes.iter().flat_map(|node| node.needs.iter().map(move |need| (&node.address, need)));
    pairs.filter(|(from, to)| needs.contains_key(to) && direct(from, to)).collect()
}

/// Graphviz.
pub fn dot(nodes: &[Node]) -> String {
    let mut text = String::from("digraph stack {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (number, (component, members)) in by_component(nodes).into_iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{number} {{\n    label=\"{component}\";");
        for node in members {
            let label = format!("{}\\nwave {}", node.address.role, node.wave);
            let _ = writeln!(text, "    \"{}\" [label=\"{label}\", tooltip=\"{}\"];", node.address, node.kind);
        }
        text.push_str("  }\n");
    }
    for (from, to) in arrows(nodes) {
        let _ = writeln!(text, "  \"{from}\" -> \"{to}\";");
    }
    text.push('}');
    text
}

/// Mermaid.
pub fn mermaid(nodes: &[Node]) -> String {
    let ids: BTreeMap<&Address, usize> = nodes.iter().enumerate().map(|(id, node)| (&node.address, id)).collect();
    let mut text = String::from("flowchart LR\n");
    for (number, (component, members)) in by_component(nodes).into_iter().enumerate() {
        let _ = writeln!(text, "  subgraph c{number}[\"{component}\"]");
        for node in members {
            let _ = writeln!(text, "    n{}[\"{}<br/>wave {}\"]", ids[&node.address], node.address.role, node.wave);
        }
        text.push_str("  end\n");
    }
    for (from, to) in arrows(nodes) {
        let _ = writeln!(text, "  n{} --> n{}", ids[from], ids[to]);
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(own: &str, needs: &[&str]) -> Node {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        Node {
            address: address(own),
            kind: "T".to_owned(),
            needs: needs.iter().map(|it| address(it)).collect(),
            wave: 1,
        }
    }

    #[test]
    fn arrows_that_follow_from_others_are_left_out() {
        let nodes = [node("A.a/X", &[]), node("A.a/Y", &["A.a/X"]), node("B.b/Z", &["A.a/X", "A.a/Y"])];
        assert!(mermaid(&nodes).ends_with("  n1 --> n0\n  n2 --> n1"), "{}", mermaid(&nodes));
        let dot = dot(&nodes);
        assert!(dot.contains("\"B.b/Z\" -> \"A.a/Y\"") && !dot.contains("\"B.b/Z\" -> \"A.a/X\""), "{dot}");
    }
}
