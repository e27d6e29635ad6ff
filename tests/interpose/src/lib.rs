//! Kills the process that it is loaded into, before or after its n-th record write.
//!
//! The local store makes every record visible by one `rename`, and drops a lock holder by one `unlink`. Preloaded
//! (`LD_PRELOAD`), this library counts them and, at the one that `DEPLOYER_TEST_KILL` names (`before:7`), sends SIGKILL: the
//! product knows nothing of it. With `DEPLOYER_TEST_COUNT` it writes the count to that file as it goes.

use std::{
    ffi::{CStr, c_char, c_int},
    sync::atomic::{AtomicU64, Ordering},
};

static PASSED: AtomicU64 = AtomicU64::new(0);

type Rename = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
type Unlink = unsafe extern "C" fn(*const c_char) -> c_int;

/// Counts a write; the moment to die, if this is the one.
fn pass() -> Option<bool> {
    let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(file) = std::env::var_os("DEPLOYER_TEST_COUNT") {
        let _ = std::fs::write(file, number.to_string());
    }
    let wanted = std::env::var("DEPLOYER_TEST_KILL").ok()?;
    let (when, at) = wanted.split_once(':')?;
    (at.parse() == Ok(number)).then_some(when == "before")
}

fn die() {
    // SAFETY: a signal to ourselves touches no memory.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

fn around(call: impl FnOnce() -> c_int) -> c_int {
    let moment = pass();
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
    around(|| unsafe { real(from, to) })
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
    around(|| unsafe { real(path) })
}
