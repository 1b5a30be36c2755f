//! The first bytes of a connection, read ahead to see which HTTP it speaks: whoever says nothing is not waited for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// By which HTTP/2 begins (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose first bytes are read once more.
pub struct Begun<I> {
    first: [u8; PREFACE.len()],
    filled: usize,
    given: usize,
    io: I,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Begun<I> {
    /// Reads as much as tells the version.
    pub async fn read(mut io: I) -> io::Result<Self> {
        let (mut first, mut filled) = ([0; PREFACE.len()], 0);
        while filled < first.len() && first[..filled] == PREFACE[..filled] {
            match io.read(&mut first[filled..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        Ok(Self { first, filled, given: 0, io })
    }

    pub fn is_http2(&self) -> bool {
        self.first == *PREFACE
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Begun<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.given == self.filled {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let count = (self.filled - self.given).min(buffer.remaining());
        buffer.put_slice(&self.first[self.given..self.given + count]);
        self.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Begun<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
