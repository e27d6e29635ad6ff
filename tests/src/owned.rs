//! Buckets of one account, as S3 plays them to whoever says which owner it expects; the emulator does not look at that.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::Result;

/// Answers every call: with success if the account is expected as the owner, else with a refusal.
pub struct OwnedBuckets {
    port: u16,
    expected: Arc<Mutex<BTreeSet<String>>>,
}

impl OwnedBuckets {
    /// All buckets belong to this account.
    pub fn of(account: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let expected = Arc::<Mutex<BTreeSet<String>>>::default();
        let (account, asked) = (account.to_owned(), expected.clone());
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &account, &asked);
            }
        });
        Ok(Self { port, expected })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The owners that callers expected.
    pub fn expected(&self) -> Vec<String> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

fn answer(mut stream: TcpStream, account: &str, asked: &Mutex<BTreeSet<String>>) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let head = lines.next().is_some_and(|line| line.is_ok_and(|line| line.starts_with("HEAD ")));
    let mut expected = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let header = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("x-amz-expected-bucket-owner"));
        if let Some((_, owner)) = header {
            owner.trim().clone_into(&mut expected);
        }
    }
    let ours = expected == account;
    asked.lock().unwrap_or_else(PoisonError::into_inner).insert(expected);
    let status = if ours { "200 OK" } else { "403 Forbidden" };
    let body =
        if ours || head { "" } else { "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    Ok(())
}
