//! A standard stream that may be stuck: a pager that shows its first page, a terminal after
//! Ctrl-S. A write that waits for its reader cannot look at a signal, so a thread of its own
//! does it.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::stop::Stop;

/// How often a wait looks for a signal.
const SLICE: Duration = Duration::from_millis(50);

/// So long after a signal the reader may still take what was being written.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes to a standard stream, and gives up where a signal came and nothing is read.
#[derive(Debug)]
pub struct StreamWriter<W> {
    stream: fn() -> W,
    stop: Stop,
    patience: Duration,
    state: WriterState,
}

#[derive(Debug)]
enum WriterState {
    /// Nothing was written.
    New,
    /// A thread writes what it is sent, and says how that went.
    Started { octets: SyncSender<Vec<u8>>, written: Receiver<io::Result<()>> },
    /// The thread is stuck, and is left behind.
    Stuck,
}

impl<W: Write + 'static> StreamWriter<W> {
    /// Writes to this stream, until a signal comes and nothing is read.
    pub fn new(stream: fn() -> W, stop: &Stop) -> Self {
        Self { stream, stop: stop.clone(), patience: PATIENCE, state: WriterState::New }
    }

    /// A silent run starts no thread.
    fn start(&mut self) -> io::Result<()> {
        let (octets, to_write) = sync_channel::<Vec<u8>>(0);
        let (to_us, written) = sync_channel(1);
        let stream = self.stream;
        let write = move || {
            let mut stream = stream();
            for octets in to_write {
                let done = stream.write_all(&octets).and_then(|()| stream.flush());
                if to_us.send(done).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("output".into()).spawn(write)?;
        self.state = WriterState::Started { octets, written };
        Ok(())
    }
}

/// How a write ended that a thread did.
fn wait(
    written: &Receiver<io::Result<()>>,
    stop: &Stop,
    patience: Duration,
) -> Option<io::Result<()>> {
    let mut since = None;
    loop {
        match written.recv_timeout(SLICE) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if !stop.is_signalled() => {}
            Err(RecvTimeoutError::Timeout) => {
                if since.get_or_insert_with(Instant::now).elapsed() >= patience {
                    return None;
                }
            }
        }
    }
}

impl<W: Write + 'static> Write for StreamWriter<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if matches!(self.state, WriterState::New) && self.start().is_err() {
            // The system starts no thread for us.
            let mut stream = (self.stream)();
            return stream.write_all(octets).and_then(|()| stream.flush()).map(|()| octets.len());
        }
        if let WriterState::Started { octets: to, written } = &self.state
            && to.send(octets.to_vec()).is_ok()
            && let Some(done) = wait(written, &self.stop, self.patience)
        {
            return done.map(|()| octets.len());
        }
        self.state = WriterState::Stuck;
        Err(io::Error::new(io::ErrorKind::TimedOut, "nothing reads it"))
    }

    /// Each write has flushed.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static IS_READ: AtomicBool = AtomicBool::new(false);

    struct Kept;

    impl Write for Kept {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            WRITTEN.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes nothing until it is read.
    struct Unread;

    impl Write for Unread {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            while !IS_READ.load(Ordering::Relaxed) {
                thread::park_timeout(Duration::from_millis(1));
            }
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_written_is_there_when_the_write_ends() {
        let mut writer = StreamWriter::new(|| Kept, &Stop::default());
        for number in 0..100 {
            writer.write_all(&[number; 1000]).unwrap();
            assert_eq!(WRITTEN.lock().unwrap().len(), (usize::from(number) + 1) * 1000);
        }
    }

    #[test]
    fn a_stream_that_nothing_reads_is_given_up_behind_a_signal_and_not_before() {
        let stop = Stop::default();
        let mut writer = StreamWriter::new(|| Unread, &stop);
        writer.patience = Duration::from_millis(100);
        thread::scope(|scope| {
            let writes = scope.spawn(|| (writer.write(b"one").is_ok(), writer.write(b"two")));
            IS_READ.store(true, Ordering::Relaxed);
            let (is_ok, two) = writes.join().unwrap();
            assert!(is_ok && two.is_ok());
        });
        IS_READ.store(false, Ordering::Relaxed);
        stop.set(15);
        for _ in 0..2 {
            let error = writer.write(b"three").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        IS_READ.store(true, Ordering::Relaxed);
    }
}
