//! A standard stream that may be stuck: a pager that shows its first page, a terminal after
//! Ctrl-S. A write that waits for its reader cannot look at a signal or a deadline, so a
//! thread of its own does it.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::stop::Stop;

/// How often a wait looks for a signal, and for the deadline.
const SLICE: Duration = Duration::from_millis(50);

/// So long after a signal or the deadline the reader may still take what was being written.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes to a standard stream, and gives up where the run has to end and nothing is read.
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
    Started(WriterThread),
    /// The thread was stuck when the run had to end. The next run of the process asks it again.
    Stuck(WriterThread),
}

/// A thread that writes what it is sent, and says how that went.
#[derive(Debug)]
struct WriterThread {
    octets: SyncSender<Vec<u8>>,
    written: Receiver<io::Result<()>>,
}

impl<W: Write + 'static> StreamWriter<W> {
    /// Writes to this stream, until the run has to end and nothing is read.
    pub fn new(stream: fn() -> W, stop: &Stop) -> Self {
        Self { stream, stop: stop.clone(), patience: PATIENCE, state: WriterState::New }
    }

    /// A silent run starts no thread.
    fn start(&self) -> io::Result<WriterThread> {
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
        Ok(WriterThread { octets, written })
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
            Err(RecvTimeoutError::Timeout) if !stop.is_output_due() => {}
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
        let stuck = || io::Error::new(io::ErrorKind::TimedOut, "nothing reads it");
        let thread = match mem::replace(&mut self.state, WriterState::New) {
            WriterState::New => match self.start() {
                Ok(thread) => thread,
                // The system starts no thread for us.
                Err(_) => {
                    let mut stream = (self.stream)();
                    let written = stream.write_all(octets).and_then(|()| stream.flush());
                    return written.map(|()| octets.len());
                }
            },
            WriterState::Started(thread) => thread,
            WriterState::Stuck(thread) => match thread.written.try_recv() {
                Ok(_) => thread,
                Err(_) => {
                    self.state = WriterState::Stuck(thread);
                    return Err(stuck());
                }
            },
        };
        let is_sent = thread.octets.send(octets.to_vec()).is_ok();
        let done = wait(&thread.written, &self.stop, self.patience).filter(|_| is_sent);
        self.state = match done {
            Some(_) => WriterState::Started(thread),
            None => WriterState::Stuck(thread),
        };
        done.unwrap_or_else(|| Err(stuck())).map(|()| octets.len())
    }

    /// Each write has flushed.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::iter;
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
    struct Unread(&'static AtomicBool);

    impl Write for Unread {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            while !self.0.load(Ordering::Relaxed) {
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
        let mut writer = StreamWriter::new(|| Unread(&IS_READ), &stop);
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

    static MAY_TAKE: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_deadline_gives_a_stream_up_and_the_next_run_writes_to_it_again() {
        let stop = Stop::default();
        let mut writer = StreamWriter::new(|| Unread(&MAY_TAKE), &stop);
        writer.patience = Duration::from_millis(10);
        stop.with_deadline(Some(Instant::now())).limit_output();
        for _ in 0..2 {
            let error = writer.write(b"one").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        MAY_TAKE.store(true, Ordering::Relaxed);
        stop.limit_output();
        // The thread says by and by that the first write is over.
        let is_written = || writer.write(b"two").is_ok();
        assert!(iter::repeat_with(is_written).any(|is_written| is_written));
    }
}
