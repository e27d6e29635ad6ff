//! What is known of the engines, as data.

use schemars::JsonSchema;
use serde::Deserialize;

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::kinds) enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

/// What sets an engine apart.
pub(super) struct Facts {
    /// As AWS writes it.
    pub(super) word: &'static str,
    /// Its port.
    pub(super) port: i64,
    /// How many numbers of a version name its major version: 16, or 8.0.
    pub(super) major: usize,
    /// A version, as an example.
    pub(super) example: &'static str,
    /// Logs that can go to CloudWatch.
    pub(super) logs: &'static [&'static str],
    /// The longest name of a user.
    pub(super) longest_user: usize,
    /// Names that no first user has.
    pub(super) users: &'static [&'static str],
    /// Names of databases that are there already.
    pub(super) databases: &'static [&'static str],
}

const POSTGRES: Facts = Facts {
    word: "postgres",
    port: 5432,
    major: 1,
    example: "16",
    logs: &["postgresql", "upgrade", "iam-db-auth-error"],
    longest_user: 63,
    users: &["admin", "rdsadmin", "rdsrepladmin", "rds_superuser", "user", "public", "none"],
    databases: &["postgres", "template0", "template1", "rdsadmin"],
};

const MYSQL: Facts = Facts {
    word: "mysql",
    port: 3306,
    major: 2,
    example: "8.0",
    logs: &["audit", "error", "general", "slowquery", "iam-db-auth-error"],
    longest_user: 16,
    users: &["rdsadmin", "rdsrepladmin"],
    databases: &["mysql", "sys", "information_schema", "performance_schema", "innodb"],
};

const MARIADB: Facts = Facts { word: "mariadb", example: "10.11", ..MYSQL };

/// Words of SQL that name neither a user nor a database, in any engine.
pub(super) const SQL: [&str; 24] = [
    "all",
    "and",
    "as",
    "case",
    "check",
    "column",
    "constraint",
    "create",
    "default",
    "distinct",
    "else",
    "foreign",
    "from",
    "grant",
    "group",
    "in",
    "into",
    "not",
    "or",
    "order",
    "primary",
    "select",
    "table",
    "where",
];

impl Engine {
    /// What is known of it.
    pub(super) fn facts(self) -> &'static Facts {
        match self {
            Self::Postgres => &POSTGRES,
            Self::Mysql => &MYSQL,
            Self::Mariadb => &MARIADB,
        }
    }

    /// The family of parameter groups that a version has: `postgres16`, `mysql8.0`.
    pub(super) fn family(self, version: &str) -> String {
        let facts = self.facts();
        let major: Vec<&str> = version.split('.').take(facts.major).collect();
        format!("{}{}", facts.word, major.join("."))
    }
}
