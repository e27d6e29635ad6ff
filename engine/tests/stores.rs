//! The stores that are the engine's own, held to the contract of all.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it is wrong")]

use std::{convert::Infallible, io, sync::Arc};

use deployer_engine::{
    desired::Scope,
    store::{
        contract::{Client, Two},
        local::LocalStore,
        memory::MemoryStore,
    },
    store_contract,
};
use tempfile::TempDir;

fn client<S: deployer_engine::store::ObjectStore + deployer_engine::store::LockStore + 'static>(store: S) -> Client {
    let store = Arc::new(store);
    (store.clone(), store)
}

async fn in_memory() -> Result<(Two, ()), Infallible> {
    let store = Arc::new(MemoryStore::default());
    Ok((Two { one: (store.clone(), store.clone()), two: (store.clone(), store) }, ()))
}

async fn in_a_folder() -> io::Result<(Two, TempDir)> {
    let folder = TempDir::new()?;
    let scope = Scope { stack: "s".to_owned(), env: "e".to_owned(), ..Scope::default() };
    let store = || client(LocalStore::new(folder.path(), &scope));
    Ok((Two { one: store(), two: store() }, folder))
}

store_contract!(memory, in_memory());
store_contract!(local, in_a_folder());

#[test]
fn two_environments_in_one_folder_have_locks_of_their_own() {
    use deployer_engine::{
        address::ComponentId,
        store::{LockStore, Taken},
    };
    let folder = TempDir::new().expect("a folder");
    let of = |env: &str| {
        let scope = Scope { stack: "s".to_owned(), env: env.to_owned(), ..Scope::default() };
        LocalStore::new(folder.path(), &scope)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let component = ComponentId { region: None, kind: "K".to_owned(), name: "a".to_owned() };
        for env in ["dev", "prod"] {
            let store = of(env);
            store.put_holder("00000001", None, env.as_bytes().to_vec().into()).await.expect("a holder of its own");
            let taken = store.take("00000001", std::slice::from_ref(&component)).await.expect("an answer");
            assert_eq!(taken, Taken::All);
        }
    });
}
