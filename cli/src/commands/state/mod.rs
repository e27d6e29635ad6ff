//! `state`: what is remembered - looked at, copied, mended. None of it calls anything but reads of AWS.

mod change;
mod copy;
mod look;
mod restore;

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use deployer_engine::{
    address::{Address, ComponentId},
    event::Nowhere,
    plan::Plan,
    session::{Memory, Session, Wish},
};
use serde_json::Value;

use super::target;
use crate::{
    args::{Global, StateCommand},
    context::{Context, Reach},
    exit::{Code, Failure},
    render::progress::Progress,
    term::Term,
};

/// What every one of them works with.
struct Desk {
    context: Context,
    session: Session,
    memory: Memory,
    term: Term,
}

/// Runs one.
pub async fn run(global: &Global, command: StateCommand, term: &Term) -> Result<Code, Failure> {
    // Taking over reads the thing in AWS. The rest reads records alone, and has to work where some of them are broken.
    let reach = if matches!(command, StateCommand::Import { .. }) { Reach::Online } else { Reach::Records };
    let context = Context::load(global, reach, term).await?;
    let context = if may_settle(&command, &context).await? { context.with_clients().await? } else { context };
    context.heed_interrupts(*term);
    // Under --json stdout is one document: what else there is to say is left out.
    let term = &Term { level: if global.json { -1 } else { term.level }, ..*term };
    let session = context.session(Arc::new(Progress::new(*term, false, context.stores.clock.clone())))?;
    if let StateCommand::Verify = command {
        // What cannot be read is what this one is about.
        return look::verify(&context, &session, term).await;
    }
    if let StateCommand::Versions { component: Some(component) } = &command {
        return look::versions(&context, &session, component, term).await;
    }
    if let StateCommand::Restore { components, to, from, auto_approve } = &command
        && components.iter().any(|it| restore::is_record(it))
    {
        if to.is_some() || from.is_some() {
            let message = "a record is put back as it was last: --to and --from are for components (Kind.name)";
            return Err(Failure::said(Code::Usage, message));
        }
        return restore::records(&context, &session, components, *auto_approve, term).await;
    }
    let restoring = matches!(command, StateCommand::Restore { .. });
    let memory = match session.look().await {
        Err(error) if restoring => return restore::broken(context, session, command, error, *term).await,
        other => other?,
    };
    let desk = Desk { context, session, memory, term: *term };
    match command {
        StateCommand::List => look::list(&desk),
        StateCommand::Show { component } => look::show(&desk, &component),
        StateCommand::Versions { .. } => look::all_versions(&desk).await,
        StateCommand::Verify => Ok(Code::Done),
        StateCommand::Import { address, id, auto_approve } => change::import(desk, &address, &id, auto_approve).await,
        StateCommand::Mv { from, to } => change::mv(desk, &from, &to).await,
        StateCommand::Rm { what, auto_approve } => change::rm(desk, &what, auto_approve).await,
        StateCommand::Pull { folder } => copy::pull(&desk, &folder).await,
        StateCommand::Push { folder } => copy::push(desk, &folder).await,
        StateCommand::Backup { file } => copy::backup(&desk, file).await,
        StateCommand::Restore { components, to, from, auto_approve } => {
            restore::whole(desk, &components, restore::Source { to, from }, auto_approve).await
        }
    }
}

/// True for a command that changes the state where a deployment is open: what a killed one left is settled first, by asking AWS.
async fn may_settle(command: &StateCommand, context: &Context) -> Result<bool, Failure> {
    let changes = matches!(
        command,
        StateCommand::Mv { .. } | StateCommand::Rm { .. } | StateCommand::Push { .. } | StateCommand::Restore { .. }
    );
    // A state that cannot be read says so where it is used.
    let open = async { context.session(Arc::new(Nowhere))?.holders().await.map_err(Failure::from) };
    Ok(changes && open.await.is_ok_and(|open| !open.is_empty()))
}

impl Desk {
    fn json(&self) -> bool {
        self.context.global.json
    }

    /// What was done: one document, or words.
    fn done(&self, result: Value, words: impl Display) -> Code {
        if self.json() {
            self.term.line(format!("{result:#}"));
        } else {
            self.term.say(words);
        }
        Code::Done
    }

    fn component(&self, text: &str) -> Result<ComponentId, Failure> {
        target::component(&self.context, &self.memory, text)
    }

    fn address(&self, text: &str) -> Result<Address, Failure> {
        let bad = |error: &dyn std::fmt::Display| Failure::said(Code::Usage, error.to_string());
        let (component, role) = text.rsplit_once('/').ok_or_else(|| {
            bad(&format!("`{text}` is no address of a resource"))
                .help("one reads like `SQS.orders/Queue`; `deployer list` shows them")
        })?;
        Ok(self.component(component)?.at(role))
    }

    fn wish(&self, purpose: &str) -> Wish {
        wish(purpose)
    }

    fn approved(&self, auto_approve: bool, question: &str) -> Result<bool, Failure> {
        approved(&self.term, auto_approve, question)
    }
}

/// A yes by flag or by a person; where nobody can be asked, the way on.
fn approved(term: &Term, auto_approve: bool, question: &str) -> Result<bool, Failure> {
    match (auto_approve, term.asks) {
        (true, _) => Ok(true),
        (false, true) => Ok(term.confirm(question)),
        (false, false) => Err(Failure::unasked()),
    }
}

fn wish(purpose: &str) -> Wish {
    Wish { purpose: purpose.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), ..Wish::default() }
}

/// The names of several components, as people read them.
fn names<'a>(all: impl IntoIterator<Item = &'a ComponentId>) -> String {
    let names: BTreeSet<String> = all.into_iter().map(ToString::to_string).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// True if the next apply would do something to what was just taken over.
fn has_changes(plan: &Plan) -> bool {
    !plan.is_empty()
}
