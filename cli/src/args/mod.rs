//! The command line as a type. Its words are a contract with users and scripts.

mod drift;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::drift::{DriftCommand, DriftFormat};
use crate::duration;

/// Deploys AWS stacks from Kubernetes-style YAML by calling the AWS SDK itself.
#[derive(Debug, Parser)]
#[command(name = "deployer", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What applies to every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The stack's folder
    #[arg(short = 'C', long = "dir", value_name = "DIR", default_value = ".", global = true)]
    pub dir: PathBuf,
    /// The environment; may be left out where there is only one
    #[arg(short = 'e', long, value_name = "ENV", global = true)]
    pub env: Option<String>,
    /// Another region than the environment's
    #[arg(long, value_name = "REGION", global = true)]
    pub region: Option<String>,
    /// The value of a variable
    #[arg(long = "var", value_name = "NAME=VALUE", global = true)]
    pub vars: Vec<String>,
    /// Machine-readable output: stdout is one JSON document (apply: JSON lines)
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: When,
    /// Never ask
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Say more; twice: everything
    #[arg(short = 'v', action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Say less
    #[arg(short = 'q', long, global = true)]
    pub quiet: bool,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
    /// Log to a file instead of stderr
    #[arg(long, value_name = "FILE", global = true)]
    pub log_file: Option<PathBuf>,
    /// How many steps run at once; with 1 each begins when the records of the one before are written, in the same order each time
    #[arg(long, value_name = "N", default_value_t = 16, global = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// Where state is kept: a folder, or s3://BUCKET/PREFIX [default: what the Stack says, else .deployer in its folder]
    #[arg(long, value_name = "PLACE", global = true)]
    pub state: Option<String>,
    /// How long to wait for somebody else's lock: 30s, 10m
    #[arg(long, value_name = "TIME", default_value = "0s", global = true, value_parser = time)]
    pub lock_timeout: Duration,
    /// Write what a run measures to a file, as Prometheus text: waits for locks, steps, durations
    #[arg(long, value_name = "FILE", global = true)]
    pub metrics: Option<PathBuf>,
    /// The kinds and types that this binary knows
    #[arg(skip)]
    pub deployer: crate::Deployer,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON document a line.
    Json,
}

/// What a graph looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Indented text.
    Tree,
    /// Nodes and edges.
    Json,
    /// Graphviz.
    Dot,
    /// Mermaid, for pages.
    Mermaid,
}

/// What a plan is made of.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanFlags {
    /// Believe the state instead of reading AWS: --refresh=false
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub refresh: bool,
    /// Open no socket at all; look-ups come from the state and the environment's `account`
    #[arg(long)]
    pub offline: bool,
    /// Only this component and what it needs (repeatable)
    #[arg(long = "target", value_name = "COMPONENT")]
    pub targets: Vec<String>,
    /// Only the components of this Service (repeatable)
    #[arg(long = "service", value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// How the state's place and the role are made.
#[derive(Clone, Debug, Args)]
pub struct BootstrapFlags {
    /// Print them as a CloudFormation template and make nothing
    #[arg(long, requires = "bootstrap")]
    pub print: bool,
    /// The repository whose jobs may take the role: OWNER/REPO (its main branch), or OWNER/REPO:environment:NAME; none: no jobs any
    /// more. Where it is not said, those who may keep it
    #[arg(long, value_name = "REPOSITORY", requires = "bootstrap")]
    pub github: Option<String>,
    /// The role's name
    #[arg(long, value_name = "NAME", default_value = "DeployerExecutionRole", requires = "bootstrap")]
    pub role: String,
    /// Do not ask
    #[arg(long, requires = "bootstrap")]
    pub auto_approve: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Scaffold a stack that validates and plans as it is
    Init {
        /// The stack's name [default: the folder's]
        name: Option<String>,
        /// Instead: the state's bucket, the lock table and the role that deploys
        #[arg(long, conflicts_with = "name")]
        bootstrap: bool,
        /// How they are made.
        #[command(flatten)]
        flags: BootstrapFlags,
    },
    /// Check the files; never touches the network
    Validate,
    /// Show what it would take
    Plan {
        /// What the plan is made of.
        #[command(flatten)]
        flags: PlanFlags,
        /// Plan to take everything down
        #[arg(long)]
        destroy: bool,
        /// Exit with 2 if there are changes
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Make it so
    Apply {
        /// What the plan is made of.
        #[command(flatten)]
        flags: PlanFlags,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
        /// Take nothing back if it fails, whatever the environment says
        #[arg(long)]
        no_rollback: bool,
        /// Do not wait until what was changed is ready: the next apply verifies it, and deletes what it replaced
        #[arg(long)]
        no_wait: bool,
        /// Show the log lines of what is being deployed
        #[arg(long)]
        logs: bool,
        /// Stay after it, and say when a component stops doing what it is there for
        #[arg(long)]
        watch: bool,
    },
    /// Take everything down
    Destroy {
        /// Only this component and what needs it (repeatable)
        #[arg(long = "target", value_name = "COMPONENT")]
        targets: Vec<String>,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// What was changed outside of deployer: find it, set it back, or keep it
    Drift {
        /// What to do about it.
        #[command(subcommand)]
        command: DriftCommand,
    },
    /// Go back to a deployment: take back what is not known to be good, else to the good one before the last
    Rollback {
        /// The number of the deployment to go back to, as `history` shows it
        deployment: Option<u64>,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// Components and their resources, with physical ids and status
    List {
        /// Only this kind
        #[arg(long)]
        kind: Option<String>,
        /// Only the components of this Service
        #[arg(long)]
        service: Option<String>,
    },
    /// Inputs, outputs, and where each value came from
    Show {
        /// `Kind.name`, a unique name, or `Kind.name/Role`
        what: String,
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
    },
    /// What the containers of a component's tasks write
    Logs {
        /// `Kind.name`, or a unique name
        component: String,
        /// Go on with what comes
        #[arg(short = 'f', long)]
        follow: bool,
        /// From how long ago: 30s, 10m, 2h
        #[arg(long, value_name = "TIME", default_value = "10m")]
        since: String,
    },
    /// The dependency graph, with waves
    Graph {
        /// What it looks like
        #[arg(long, value_name = "FORMAT", default_value = "tree")]
        format: GraphFormat,
    },
    /// The IAM policy that deploying this stack needs, and nothing more; never touches the network
    ///
    /// One document, or a JSON array of them where one managed policy of IAM cannot hold it all: attach each as a policy of
    /// its own. What was deployed before and is no longer in the files needs the policy of the files that it was in.
    IamPolicy,
    /// For authors: the types that are known, and the files of a new one
    Provider {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::commands::provider::ProviderCommand,
    },
    /// A completion script for your shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// What is remembered: look at it, copy it, mend it
    State {
        /// What to do with it.
        #[command(subcommand)]
        command: StateCommand,
    },
    /// Who holds what; or take a dead one's locks away
    Unlock {
        /// Only who holds these (repeatable)
        components: Vec<String>,
        /// Take the locks away although their holder may be alive
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// Deployments, newest first; or one of them in full
    History {
        /// The deployment's number
        deployment: Option<u64>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
}

/// What to do with what is remembered.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Every component's record
    List,
    /// One component's record as it is kept
    Show {
        /// `Kind.name`, or a unique name
        component: String,
    },
    /// Take over what is in AWS already
    Import {
        /// What it becomes: `Kind.name/Role`
        address: String,
        /// Its id in AWS: what `deployer list` shows of others of its type
        id: String,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// Rename what is remembered: a component, or one resource
    Mv {
        /// What it is: `Kind.name` or `Kind.name/Role`
        from: String,
        /// What it becomes
        to: String,
    },
    /// Forget a component or a resource; in AWS it stays as it is
    Rm {
        /// `Kind.name` or `Kind.name/Role`
        what: String,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// Copy every record into a folder that --state can name
    Pull {
        /// The folder
        folder: PathBuf,
    },
    /// Write what a folder has newer than the state
    Push {
        /// The folder: from `state pull`, or kept by an apply that could not write
        folder: PathBuf,
    },
    /// What a component's record was before; or how far back each can be put
    Versions {
        /// `Kind.name`, or a unique name
        component: Option<String>,
    },
    /// Every record in one file
    Backup {
        /// The file [default: STACK-ENV-DEPLOYMENT.backup.json]
        file: Option<PathBuf>,
    },
    /// Put earlier contents back; AWS is not touched
    Restore {
        /// Only these, or broken records by their keys [default: all components]
        components: Vec<String>,
        /// A version of one component, or a time: 2026-11-24T12:00:00Z
        #[arg(long, value_name = "VERSION|TIME", conflicts_with = "from")]
        to: Option<String>,
        /// A backup
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// Read and check every record
    Verify,
}

fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write 30s or 10m".to_owned())
}
