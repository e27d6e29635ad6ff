//! Who we are: user, host, process; and whether another process of this machine still lives.
//!
//! A process number alone says little: it is used again, and containers have their own. So a process is told by boot,
//! process namespace, number and start time together.

use deployer_engine::lock::Owner;

/// This process.
pub fn owner() -> Owner {
    let user = ["DEPLOYER_USER", "GITHUB_ACTOR", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let pid = std::process::id();
    Owner {
        user: user.unwrap_or_else(|| "unknown".to_owned()),
        host,
        pid,
        process: process(pid),
        run: uuid::Uuid::new_v4().simple().to_string(),
    }
}

/// Whether the owner's process lives, if that can be told from here.
pub fn lives(owner: &Owner) -> Option<bool> {
    let here = machine();
    if here.is_empty() || owner.process.is_empty() || !owner.process.starts_with(&here) {
        return None;
    }
    Some(process(owner.pid) == owner.process)
}

/// What tells this machine, this boot and this process namespace from any other.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").map(|path| path.display().to_string()).unwrap_or_default();
    if boot.is_empty() || space.is_empty() { String::new() } else { format!("{} {space}", boot.trim()) }
}

/// What tells a process from any other of the same number; a zombie is no process any more.
fn process(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the command in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    let state = fields.next();
    match (state, fields.nth(18)) {
        (Some(state), Some(start)) if state != "Z" && state != "X" => format!("{} {pid} {start}", machine()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_others_do_not() {
        let me = owner();
        assert_eq!(lives(&me), Some(true));
        assert_eq!(lives(&Owner { process: format!("{}0", me.process), ..me.clone() }), Some(false));
        assert_eq!(lives(&Owner { process: "elsewhere".to_owned(), ..me }), None);
    }
}
