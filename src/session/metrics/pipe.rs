//! Pages from one process to another: who watches one network namespace answers who serves the pages of all of them. One byte asks; the
//! answer is its length as four bytes, then the page. The end of the stream ends the watch.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::{Asked, CONNECTIONS, PageFormat, ScrapeQueue, ScrapeRequest};

/// The longest page that is taken.
const LONGEST: u32 = 4 << 20;

/// The end that asks.
#[derive(Debug)]
pub struct PagePipe {
    stream: UnixStream,
}

impl PagePipe {
    /// A pipe and the end of who answers, for its stdin; called inside the runtime.
    ///
    /// # Errors
    /// When the kernel has no descriptor left.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        Ok((Self { stream: UnixStream::from_std(ours)? }, theirs.into()))
    }

    /// Asks for a page; [`Self::answer`] waits for it.
    ///
    /// # Errors
    /// When nobody answers any more.
    pub async fn ask(&mut self, format: PageFormat) -> io::Result<()> {
        self.stream.write_all(&[u8::from(format == PageFormat::Plain)]).await
    }

    /// The page that was asked for.
    ///
    /// # Errors
    /// When nobody answers any more, or not with a page.
    pub async fn answer(&mut self) -> io::Result<String> {
        let length = self.stream.read_u32().await?;
        if length > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut page = vec![0; length as usize];
        self.stream.read_exact(&mut page).await?;
        String::from_utf8(page).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

impl ScrapeQueue {
    /// The requests that come on stdin, a pipe; called inside the runtime.
    ///
    /// # Errors
    /// When stdin is none.
    pub fn of_stdin() -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(rustix::io::dup(rustix::stdio::stdin())?);
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        let (sender, requests) = mpsc::channel(CONNECTIONS);
        let answered = async {
            // It ends with the stream.
            let _ended = answer_all(stream, sender).await;
        };
        Ok(Self { requests, server: tokio::spawn(answered) })
    }
}

async fn answer_all(mut stream: UnixStream, sender: mpsc::Sender<ScrapeRequest>) -> io::Result<()> {
    loop {
        let format = if stream.read_u8().await? == 0 { PageFormat::OpenMetrics } else { PageFormat::Plain };
        let (reply, answer) = oneshot::channel();
        let over = || io::Error::from(io::ErrorKind::BrokenPipe);
        sender.send(ScrapeRequest { asked: Asked::Page(format), reply }).await.map_err(|_| over())?;
        let page = answer.await.map_err(|_| over())?;
        stream.write_u32(page.len() as u32).await?;
        stream.write_all(page.as_bytes()).await?;
    }
}
