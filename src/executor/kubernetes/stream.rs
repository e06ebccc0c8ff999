//! The streams of an exec, which end when its connection does.
//!
//! The client library ends the streams that it hands out when the process in the pod has ended. Where the connection breaks instead,
//! what served them is gone without a word to them: nothing more would ever come, and a full buffer would never be emptied. The
//! wait for the process's status ends in both cases, and so tells of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt as _;
use futures::future::{BoxFuture, FusedFuture as _, Shared};
use kube::api::AttachedProcess;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, SimplexStream, WriteHalf};

/// Standard output of a process in a pod.
pub(super) type Reader = Served<ReadHalf<SimplexStream>>;
/// Standard input of a process in a pod.
pub(super) type Writer = Served<WriteHalf<SimplexStream>>;

/// Takes the streams of a process; `None` where they were not asked for, or were taken before.
pub(super) fn streams(process: &mut AttachedProcess) -> Option<(Reader, Writer)> {
    let (stdout, stdin, status) = (process.stdout()?, process.stdin()?, process.take_status()?);
    let over = status.map(drop).boxed().shared();
    Some((Served { stream: stdout, over: over.clone() }, Served { stream: stdin, over }))
}

/// One end of a stream, for as long as somebody serves the other.
#[derive(Debug)]
pub(super) struct Served<S> {
    stream: S,
    over: Shared<BoxFuture<'static, ()>>,
}

impl<S> Served<S> {
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.over.is_terminated() { Poll::Ready(()) } else { self.over.poll_unpin(cx) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Served<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            return Poll::Ready(read);
        }
        ready!(this.poll_over(cx));
        // Bytes may have come between the two looks; no more will.
        let last = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if last.is_pending() { Poll::Ready(Ok(())) } else { last }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Served<S> {
    /// What still finds room is taken, though nobody may read it: an answer that came before the end is worth more than an error.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(cx, bytes) {
            return Poll::Ready(written);
        }
        ready!(this.poll_over(cx));
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::oneshot;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, simplex};

    use super::*;

    fn served<S>(stream: S) -> (Served<S>, oneshot::Sender<()>) {
        let (sender, over) = oneshot::channel();
        (Served { stream, over: over.map(drop).boxed().shared() }, sender)
    }

    #[tokio::test]
    async fn what_came_is_read_to_the_end_and_then_it_is_over() {
        let (reader, mut theirs) = simplex(64);
        let (mut ours, connection) = served(reader);
        let mut first = [0; 4];
        let (read, written) = tokio::join!(ours.read_exact(&mut first), theirs.write_all(b"onlythis"));
        assert_eq!((read.unwrap(), written.unwrap()), (4, ()));
        drop(connection);
        let mut rest = Vec::new();
        // The other half is there, and was not closed.
        ours.read_to_end(&mut rest).await.unwrap();
        assert_eq!((&first, rest.as_slice()), (b"only", &b"this"[..]));
        assert_eq!(ours.read(&mut first).await.unwrap(), 0);
        drop(theirs);
    }

    #[tokio::test]
    async fn a_reader_and_a_writer_that_wait_are_told() {
        let (reader, _theirs) = simplex(64);
        let (mut ours, connection) = served(reader);
        let (mut byte, end) = ([0; 1], async { drop(connection) });
        assert_eq!(tokio::join!(biased; ours.read(&mut byte), end).0.unwrap(), 0);

        let (_theirs, writer) = simplex(4);
        let (mut ours, connection) = served(writer);
        let end = async { drop(connection) };
        let written = tokio::join!(biased; ours.write_all(b"too much"), end).0;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(ours.write(b"more").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
