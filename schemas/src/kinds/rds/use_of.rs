//! What a database gives to a component that uses it.

use deployer_engine::{
    address::ComponentId,
    expr,
    lookup::{Lookup, SECRET},
};
use serde_json::{Value, json};

use super::{
    super::{Kind, grants::allow},
    Rds, replica_role,
    spec::{Password, RdsSpec},
};
use crate::{
    around::{Around, Peer},
    uses::{Access, Connection},
};

/// The connection. A replica has its source's database, port and users.
pub(super) fn connection(spec: &RdsSpec, peer: &Peer, access: Access, around: &Around<'_>) -> Option<Connection> {
    let source = source(spec, around);
    let (whose, first) = source.as_ref().map_or((spec, peer), |(peer, source)| (source, *peer));
    let host = |role: &str| expr::reference(&peer.id.at(role), "Endpoint.Address");
    let replica = spec.read_replicas.iter().flatten().next().map(|it| host(&replica_role(&it.name)));
    let main = replica.clone().filter(|_| access == Access::Read).unwrap_or_else(|| host("Instance"));
    let port = port(whose)?;
    let managed = whose.password.is_none();
    let secret = match &whose.password {
        Some(password) => arn(password, &first.id, around),
        None => expr::reference(&first.id.at("Instance"), "MasterUserSecret.SecretArn"),
    };
    let field = |name: &str| expr::join(vec![secret.clone(), json!(format!(":{name}::"))]);
    let password = whose
        .password
        .as_ref()
        .map_or_else(|| field("password"), |it| it.key.as_ref().map_or_else(|| secret.clone(), |key| field(key)));
    let mut env = vec![
        ("HOST", main),
        // A text, as variables are.
        ("PORT", Value::String(port.to_string())),
        ("NAME", Value::String(database(whose, &first.id))),
        ("SECRET_ARN", secret.clone()),
    ];
    env.extend(replica.map(|host| ("READ_HOST", host)));
    let mut secrets = vec![("PASSWORD", password)];
    if managed {
        secrets.push(("USERNAME", field("username")));
    } else {
        env.extend(whose.username.as_ref().map(|name| ("USERNAME", json!(name))));
    }
    Some(Connection {
        env,
        secrets,
        reads: vec![secret.clone()],
        statements: vec![allow(&["secretsmanager:GetSecretValue"], secret)],
        ports: vec![(expr::reference(&peer.id.at("SecurityGroup"), "GroupId"), port)],
        problem: None,
    })
}

/// The ARN of a named password's secret: AWS is asked, so that one that does not exist is told before anything is done.
fn arn(password: &Password, id: &ComponentId, around: &Around<'_>) -> Value {
    let scope = around.scope;
    let (partition, region, account) = (&scope.partition, &scope.region, &scope.account);
    let stand_in = || json!(format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{}", password.secret));
    let lookup = Lookup::new(SECRET, json!({"name": password.secret}));
    around.ask(id, "/password/secret", lookup, stand_in).value
}

/// Where the provider finds a named password.
pub(super) fn place(password: &Password, id: &ComponentId, around: &Around<'_>) -> Value {
    expr::secret(json!({"secret": arn(password, id, around), "key": password.key}))
}

fn source<'a>(spec: &RdsSpec, around: &Around<'a>) -> Option<(&'a Peer, RdsSpec)> {
    let peer = around.peer(spec.replica_of.as_deref()?).ok().filter(|peer| peer.id.kind == Rds::KIND)?;
    Some((peer, peer.decode()?))
}

/// The port that it listens at, if its engine is known.
pub(super) fn port(spec: &RdsSpec) -> Option<i64> {
    spec.port.or_else(|| spec.engine.map(|it| it.facts().port))
}

/// The name of its first database.
pub(super) fn database(spec: &RdsSpec, id: &ComponentId) -> String {
    spec.database.clone().unwrap_or_else(|| id.name.replace('-', "_"))
}
