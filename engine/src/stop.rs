//! The wish to stop: outstanding calls are awaited and recorded, polling and new steps end.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use futures::{future::FutureExt, task::AtomicWaker};

/// A wish to stop, shared by everything that waits. Clones are the same wish.
#[derive(Clone, Default)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    wished: AtomicBool,
    wakers: Mutex<Vec<Weak<AtomicWaker>>>,
}

impl Inner {
    fn wakers(&self) -> MutexGuard<'_, Vec<Weak<AtomicWaker>>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stop {
    /// Wishes it.
    pub fn wish(&self) {
        self.inner.wished.store(true, Ordering::SeqCst);
        self.inner.wakers().iter().filter_map(Weak::upgrade).for_each(|waker| waker.wake());
    }

    /// True once it was wished.
    pub fn is_wished(&self) -> bool {
        self.inner.wished.load(Ordering::SeqCst)
    }

    /// Returns when it is wished.
    pub async fn wished(&self) {
        let waker = Arc::new(AtomicWaker::new());
        {
            // Waits that are over leave a dead entry; each new one sweeps them.
            let mut wakers = self.inner.wakers();
            wakers.retain(|it| it.strong_count() > 0);
            wakers.push(Arc::downgrade(&waker));
        }
        std::future::poll_fn(|context| {
            waker.register(context.waker());
            if self.is_wished() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// `wait`, cut short by the wish; true if it ran to its end.
    pub async fn unless(&self, wait: impl Future<Output = ()>) -> bool {
        let wait = wait.fuse();
        let wished = self.wished().fuse();
        futures::pin_mut!(wait, wished);
        futures::select_biased! {
            () = wished => false,
            () = wait => true,
        }
    }
}
