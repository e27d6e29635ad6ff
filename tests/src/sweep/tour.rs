//! Tours: a stack's life as data. How its folder is filled, and phases with what is changed in the files and the command.

use crate::{Result, product::Product};

/// A stack's life.
pub struct Tour {
    /// Its name.
    pub name: &'static str,
    /// Fills the stack's folder.
    pub fill: fn(&Product) -> Result<()>,
    /// Its parts, in order.
    pub phases: &'static [Phase],
}

/// One part of a tour.
pub struct Phase {
    /// Its name.
    pub name: &'static str,
    /// What is changed in the files: which one, from, to.
    pub edits: &'static [(&'static str, &'static str, &'static str)],
    /// The command.
    pub command: &'static [&'static str],
}

const TOURS: &[&Tour] = &[&QUEUES, &WEB_APP, &EXISTING_VPC, &TWO_SERVICES];

/// The tour of this name.
pub fn named(name: &str) -> Result<&'static Tour> {
    let all = || TOURS.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
    TOURS.iter().copied().find(|it| it.name == name).ok_or_else(|| format!("no tour: there are {}", all()).into())
}

const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const DESTROY: &[&str] = &["destroy", "-e", "dev", "--auto-approve"];

impl Phase {
    /// Changes the files as this phase wants them.
    pub fn edit(&self, product: &Product) -> Result<()> {
        self.edits.iter().try_for_each(|(file, from, to)| product.edit(file, from, to))
    }

    /// True if nothing stands after it.
    pub fn is_destroy(&self) -> bool {
        self.command == DESTROY
    }
}

/// What `deployer init` makes, and a log group: small and quick.
pub const QUEUES: Tour = Tour {
    name: "queues",
    fill: |product| {
        product.succeed(&["init", "shop"])?;
        product.write("audit.yaml", AUDIT)
    },
    phases: &[
        Phase { name: "apply", edits: &[], command: APPLY },
        Phase {
            name: "update",
            edits: &[
                ("orders/components.yaml", "visibilityTimeout: 60s", "visibilityTimeout: 90s"),
                ("orders/components.yaml", "expireAfterDays: 365", "expireAfterDays: 30"),
                ("orders/components.yaml", "[s3:PutObject]", "[s3:PutObject, s3:GetObject]"),
                ("orders/components.yaml", "{RetentionInDays: 30}", "{RetentionInDays: 60}"),
            ],
            command: APPLY,
        },
        Phase {
            name: "replacement",
            edits: &[
                (
                    "orders/components.yaml",
                    "{RetentionInDays: 60}",
                    "{RetentionInDays: 60, LogGroupClass: INFREQUENT_ACCESS}",
                ),
                ("audit.yaml", "RetentionInDays: 7", "RetentionInDays: 7\n    LogGroupClass: INFREQUENT_ACCESS"),
            ],
            command: APPLY,
        },
        Phase { name: "destroy", edits: &[], command: DESTROY },
    ],
};

/// A log group with a stated name: its replacement deletes the old one first.
const AUDIT: &str = "apiVersion: deployer.dev/v1
kind: Resource
metadata: {name: audit}
spec:
  type: AWS::Logs::LogGroup
  properties:
    LogGroupName: /shop/audit
    RetentionInDays: 7
";

/// A network, a load balancer, a service on Fargate, a database, a queue and a bucket.
pub const WEB_APP: Tour = Tour {
    name: "web-app",
    fill: |product| product.stack("web-app"),
    phases: &[
        // The load balancer's name is stated: two of them cannot stand together.
        Phase {
            name: "apply",
            edits: &[("stack.yaml", "  listeners:", "  name: shop-web\n  listeners:")],
            command: APPLY,
        },
        Phase {
            name: "update",
            edits: &[
                ("checkout.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90"),
                ("checkout.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug"),
                ("checkout.yaml", "path: /healthz", "path: /ready"),
                ("checkout.yaml", "expireAfterDays: 365", "expireAfterDays: 30"),
                ("overlays/dev/small.yaml", "max: 2}", "max: 3}"),
            ],
            command: APPLY,
        },
        // Target group, task definition and both rules: the new ones first.
        Phase { name: "create-first", edits: &[("checkout.yaml", "port: 8080", "port: 9090")], command: APPLY },
        // The load balancer with its listener and rule: the old ones first.
        Phase {
            name: "delete-first",
            edits: &[("stack.yaml", "  name: shop-web", "  name: shop-web\n  scheme: internal")],
            command: APPLY,
        },
        Phase { name: "destroy", edits: &[], command: DESTROY },
    ],
};

/// In a network that is there already, and stays.
pub const EXISTING_VPC: Tour = Tour {
    name: "existing-vpc",
    fill: |product| product.stack("existing-vpc"),
    phases: &[
        Phase { name: "apply", edits: &[], command: APPLY },
        Phase { name: "update", edits: &[("notes.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug")], command: APPLY },
        Phase { name: "destroy", edits: &[], command: DESTROY },
    ],
};

/// Two services that use each other.
pub const TWO_SERVICES: Tour = Tour {
    name: "two-services",
    fill: |product| product.stack("two-services"),
    phases: &[
        Phase { name: "apply", edits: &[], command: APPLY },
        Phase { name: "update", edits: &[("services.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug")], command: APPLY },
        Phase { name: "destroy", edits: &[], command: DESTROY },
    ],
};
