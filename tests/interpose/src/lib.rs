//! Kills the process that it is loaded into, before or after its n-th record write.
//!
//! The local store makes every record visible by one `rename`, and drops a lock holder by one `unlink`. Preloaded
//! (`LD_PRELOAD`), this library counts them and, at the one that `DEPLOYER_TEST_KILL` names (`before:write:7`), sends SIGKILL:
//! the product knows nothing of it. A holder's heartbeats come by the clock, not by the work, so they are counted apart
//! (`before:beat:1`). With `DEPLOYER_TEST_COUNT` it writes the count of the others to that file as it goes.

use std::{
    ffi::{CStr, OsStr, c_char, c_int},
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

static WRITES: AtomicU64 = AtomicU64::new(0);
static BEATS: AtomicU64 = AtomicU64::new(0);

type Rename = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
type Unlink = unsafe extern "C" fn(*const c_char) -> c_int;

/// Counts a write; the moment to die, if this is the one.
fn pass(beat: bool) -> Option<bool> {
    let (what, counter) = if beat { ("beat", &BEATS) } else { ("write", &WRITES) };
    let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(file) = std::env::var_os("DEPLOYER_TEST_COUNT").filter(|_| !beat) {
        let _ = std::fs::write(file, number.to_string());
    }
    let wanted = std::env::var("DEPLOYER_TEST_KILL").ok()?;
    let (when, point) = wanted.split_once(':')?;
    (point == format!("{what}:{number}")).then_some(when == "before")
}

/// Whether a file moved to `to` is a sign of life: a holder record over the one before it.
fn is_beat(to: *const c_char) -> bool {
    // SAFETY: the caller of `rename` gave a C string.
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(to) }.to_bytes()));
    path.parent().is_some_and(|folder| folder.ends_with("holders")) && path.exists()
}

fn die() {
    // SAFETY: a signal to ourselves touches no memory.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

fn around(beat: bool, call: impl FnOnce() -> c_int) -> c_int {
    let moment = pass(beat);
    if moment == Some(true) {
        die();
    }
    let result = call();
    if moment == Some(false) {
        die();
    }
    result
}

fn next(name: &CStr) -> *mut libc::c_void {
    // SAFETY: the name is a valid C string, and libc has both functions.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}

/// `rename(2)`.
///
/// # Safety
/// As libc's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: libc's `rename` has this type.
    let real: Rename = unsafe { std::mem::transmute(next(c"rename")) };
    // SAFETY: the caller's own arguments.
    around(is_beat(to), || unsafe { real(from, to) })
}

/// `unlink(2)`.
///
/// # Safety
/// As libc's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: libc's `unlink` has this type.
    let real: Unlink = unsafe { std::mem::transmute(next(c"unlink")) };
    // SAFETY: the caller's own argument.
    around(false, || unsafe { real(path) })
}
