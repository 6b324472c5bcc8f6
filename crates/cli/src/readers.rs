//! Whether anybody reads what is printed.

#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::os::fd::AsFd as _;

#[cfg(unix)]
use tokio::io::Interest;
#[cfg(unix)]
use tokio::net::unix::pipe::Sender;

/// Returns once nobody reads standard output any more, because the other end of its pipe was closed: the system tells whoever waits for an
/// error of a pipe, also while nothing is written. Of a file, and where that cannot be told, it never returns.
pub(crate) async fn gone() {
    #[cfg(unix)]
    if let Ok(out) = pipe()
        && out.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Standard output once more. Nothing is written to it here, so that it may go on blocking whoever writes.
#[cfg(unix)]
fn pipe() -> io::Result<Sender> {
    Sender::from_owned_fd_unchecked(io::stdout().as_fd().try_clone_to_owned()?)
}
