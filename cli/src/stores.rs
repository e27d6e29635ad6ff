//! Where state and locks are kept: a folder beside the files, or a bucket and a table for a team.
//!
//! What `--state` says goes over what the Stack says; the default is `.deployer/`.

use std::{path::PathBuf, sync::Arc};

use deployer_engine::{
    clock::Clock,
    store::{LockStore, ObjectStore, local::LocalStore},
};
use deployer_providers::{
    Aws, AwsOptions,
    state::{BucketStore, Place, TABLE, TableLocks},
};
use deployer_schemas::{Loaded, StatePlace};

use crate::{
    args::Global,
    clock::SystemClock,
    context::Reach,
    exit::{Code, Failure},
};

/// Objects, locks, and the time that both go by.
#[derive(Clone)]
pub struct Stores {
    /// Records.
    pub objects: Arc<dyn ObjectStore>,
    /// Locks.
    pub locks: Arc<dyn LockStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket, the locks in a table.
    Bucket(StatePlace),
}

impl Kept {
    /// What the command line says; where it says nothing, the folder beside the files.
    pub fn said(global: &Global) -> Result<Self, Failure> {
        match global.state.as_deref() {
            Some(text) if text.contains("://") => bucket(text, None).map(Self::Bucket),
            Some(folder) => Ok(Self::Folder(PathBuf::from(folder))),
            None => Ok(Self::Folder(global.dir.join(".deployer"))),
        }
    }

    /// What the command line says, else the Stack, else the folder beside the files. Where no owner is said of a bucket, it is the
    /// account that the environment may be deployed to.
    pub fn of(global: &Global, loaded: &Loaded) -> Result<Self, Failure> {
        let mut place = match (global.state.as_deref(), &loaded.stack.state) {
            (Some(text), stack) if text.contains("://") => bucket(text, stack.as_ref())?,
            (None, Some(place)) => place.clone(),
            _ => return Self::said(global),
        };
        place.account = place.account.or_else(|| loaded.stack.account.clone());
        Ok(Self::Bucket(place))
    }
}

/// `s3://BUCKET/PREFIX?region=REGION&table=TABLE`; what is not said is what the Stack says of the same bucket.
fn bucket(text: &str, stack: Option<&StatePlace>) -> Result<StatePlace, Failure> {
    let usage = |why: &str| {
        let message = format!("--state {text}: {why}");
        Failure::said(Code::Usage, message).help("write a folder, or s3://BUCKET/PREFIX?region=REGION&table=TABLE")
    };
    let rest = text.strip_prefix("s3://").ok_or_else(|| usage("state is kept in a folder or in S3"))?;
    let (path, asked) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    if bucket.is_empty() {
        return Err(usage("the bucket is not named"));
    }
    let mut place = stack.filter(|it| it.bucket == bucket).cloned().unwrap_or_default();
    (place.bucket, place.prefix) = (bucket.to_owned(), prefix.to_owned());
    for pair in asked.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("region", region)) => place.region = Some(region.to_owned()),
            Some(("table", table)) => place.table = Some(table.to_owned()),
            Some(("account", account)) => place.account = Some(account.to_owned()),
            _ => return Err(usage(&format!("`{pair}` is neither region, table nor account"))),
        }
    }
    Ok(place)
}

/// The place as the stores take it.
pub fn place(it: &StatePlace) -> Place {
    let prefix = it.prefix.trim_matches('/');
    Place {
        bucket: it.bucket.clone(),
        prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
        table: it.table.clone().unwrap_or_else(|| TABLE.to_owned()),
        account: it.account.clone(),
    }
}

impl Stores {
    /// Opens them; no call is made yet.
    pub async fn open(global: &Global, loaded: &Loaded, reach: Reach) -> Result<Self, Failure> {
        let clock = Self::clock()?;
        let scope = &loaded.desired.scope;
        let state = match Kept::of(global, loaded)? {
            Kept::Folder(folder) => return Ok(Self::local(folder, loaded, clock)),
            Kept::Bucket(state) if reach == Reach::Offline => {
                let message = format!("the state is in s3://{}, and --offline opens no socket", state.bucket);
                let help = "`deployer state pull DIR` makes a copy; with `--state DIR` a plan needs no socket";
                return Err(Failure::said(Code::Usage, message).help(help));
            }
            Kept::Bucket(state) => state,
        };
        let region = state.region.clone().unwrap_or_else(|| scope.region.clone());
        // Where nothing will be called, not even the machine's configuration is read.
        let aws = match reach {
            Reach::Files => Aws::offline(),
            _ => {
                let time_scale = Some(time_scale()?);
                Aws::load(AwsOptions { region, time_scale, ..AwsOptions::default() }).await
            }
        };
        let place = place(&state);
        Ok(Self {
            objects: Arc::new(BucketStore::new(&aws, &place)),
            locks: Arc::new(TableLocks::new(&aws, &place, scope)),
            clock,
        })
    }

    /// The machine's time, scaled where a test says so.
    pub fn clock() -> Result<Arc<dyn Clock>, Failure> {
        Ok(Arc::new(SystemClock::new(time_scale()?)))
    }

    /// In a folder.
    pub fn local(folder: impl Into<PathBuf>, loaded: &Loaded, clock: Arc<dyn Clock>) -> Self {
        let store = Arc::new(LocalStore::new(folder, &loaded.desired.scope));
        Self { objects: store.clone(), locks: store, clock }
    }
}

/// The factor on all waiting: for tests against an emulator whose time runs faster.
pub fn time_scale() -> Result<f64, Failure> {
    let Ok(text) = std::env::var("DEPLOYER_TIME_SCALE") else { return Ok(1.0) };
    let scale = text.parse::<f64>().ok().filter(|scale| *scale > 0.0 && *scale <= 1000.0);
    scale.ok_or_else(|| Failure::said(Code::Usage, format!("DEPLOYER_TIME_SCALE={text} is not a positive number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_the_command_line() {
        let read = |text: &str| bucket(text, None).map(|it| place(&it));
        let place = |prefix: &str, table: &str| Place {
            bucket: "acme".to_owned(),
            prefix: prefix.to_owned(),
            table: table.to_owned(),
            account: None,
        };
        assert_eq!(read("s3://acme").ok(), Some(place("", TABLE)));
        assert_eq!(read("s3://acme/teams/web/").ok(), Some(place("teams/web/", TABLE)));
        assert_eq!(read("s3://acme/teams?table=locks&region=eu-west-1").ok(), Some(place("teams/", "locks")));
        for wrong in ["s3://", "gs://acme", "s3://acme?zone=a"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_the_command_line_leaves_out_the_stack_says() {
        let stack = StatePlace { bucket: "acme".to_owned(), table: Some("locks".to_owned()), ..StatePlace::default() };
        assert_eq!(bucket("s3://acme/a", Some(&stack)).ok().and_then(|it| it.table), Some("locks".to_owned()));
        assert_eq!(bucket("s3://other/a", Some(&stack)).ok().and_then(|it| it.table), None);
    }
}
