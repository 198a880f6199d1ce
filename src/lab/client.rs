//! The client: starts a server and asks it, with a time limit on every answer.

use std::io::{BufReader, BufWriter};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::frame::{Frame, floats, from_floats};
use super::{Hello, VERSION};
use crate::error::{Error, Result};

pub struct Client {
    child: Child,
    /// What is to be written, by a thread that a server which does not read holds up alone. Given up
    /// when the server is told to end.
    to: Option<Sender<Frame>>,
    from: Receiver<std::io::Result<Option<Frame>>>,
    timeout: Duration,
    pub hello: Hello,
}

fn lab(what: impl Into<String>) -> Error {
    Error::device(format!("the lab: {}", what.into()))
        .help("look at the server's own output; a run goes on from its checkpoint with --resume")
}

impl Client {
    /// Starts `command`, a program with its arguments, and asks who it is.
    pub fn start(command: &[String], timeout: Duration) -> Result<Self> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Error::invalid("hardware.lab.command", "an empty command")
                .help("give a program and its arguments, as [\"python3\", \"slm.py\"]"));
        };
        let spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|e| {
            Error::invalid("hardware.lab.command", format!("{program} does not start: {e}"))
                .help("give a program that is there, and its arguments one by one")
        })?;
        let (Some(to), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(lab("the server has no standard input or output"));
        };
        let (asked, frames) = channel::<Frame>();
        std::thread::spawn(move || {
            let mut to = BufWriter::new(to);
            while let Ok(frame) = frames.recv() {
                if frame.write(&mut to).is_err() {
                    return;
                }
            }
        });
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            loop {
                let frame = Frame::read(&mut out);
                let ends = !matches!(frame, Ok(Some(_)));
                if sender.send(frame).is_err() || ends {
                    return;
                }
            }
        });
        let hello = Hello {
            version: 0,
            name: String::new(),
            image: [0; 2],
            readings: 0,
            parameters: std::collections::BTreeMap::new(),
        };
        let mut client = Self { child, to: Some(asked), from, timeout, hello };
        let answer = client.ask(Frame::new(b'H', VERSION.to_le_bytes().to_vec()), b'H')?;
        client.hello = serde_json::from_slice(&answer.payload)
            .map_err(|e| lab(format!("its greeting is not what the protocol says: {e}")))?;
        if client.hello.version != VERSION {
            let theirs = client.hello.version;
            return Err(lab(format!("it speaks version {theirs} of the protocol, not {VERSION}")));
        }
        Ok(client)
    }

    /// How a server ended, for messages.
    fn fate(&mut self) -> String {
        match self.child.try_wait() {
            Ok(Some(status)) => format!("the server ended ({status})"),
            _ => "the server closed its output".into(),
        }
    }

    /// The answer to a frame, which must be of the kind `wanted`; the limit is on writing and answer
    /// together.
    fn ask(&mut self, frame: Frame, wanted: u8) -> Result<Frame> {
        // A server that left may have said why.
        let gone = self.to.as_ref().is_none_or(|to| to.send(frame).is_err());
        let answer = match self.from.recv_timeout(self.timeout) {
            Ok(Ok(Some(frame))) if !gone || frame.kind == b'X' => frame,
            Ok(Ok(_)) | Err(RecvTimeoutError::Disconnected) => return Err(lab(self.fate())),
            Ok(Err(e)) => return Err(lab(format!("a malformed frame: {e}"))),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.timeout.as_secs_f64();
                return Err(lab(format!("no answer within {seconds} s (hardware.lab.timeout_s)")));
            }
        };
        if answer.kind == b'X' {
            return Err(lab(format!("refused: {}", String::from_utf8_lossy(&answer.payload))));
        }
        if answer.kind != wanted {
            let (was, wanted) = (char::from(answer.kind), char::from(wanted));
            return Err(lab(format!("a frame of kind {was:?} came where {wanted:?} was due")));
        }
        Ok(answer)
    }

    /// Tells it a parameter.
    pub fn set(&mut self, name: &str, values: &[f64]) -> Result<()> {
        let mut payload = serde_json::to_vec(name).unwrap_or_default();
        payload.push(0);
        payload.extend(floats(values.iter().copied()));
        self.ask(Frame::new(b'P', payload), b'K').map(|_| ())
    }

    /// What its detectors read of so many samples `[count, readings]`.
    pub fn expose(&mut self, count: usize, images: &[f64]) -> Result<Vec<f64>> {
        let mut payload = (count as u32).to_le_bytes().to_vec();
        payload.extend(floats(images.iter().copied()));
        let answer = self.ask(Frame::new(b'E', payload), b'R')?;
        let wanted = count * self.hello.readings;
        match from_floats(&answer.payload) {
            Some(values) if values.len() == wanted && values.iter().all(|v| v.is_finite()) => {
                Ok(values)
            }
            Some(values) if values.len() == wanted => Err(lab("a reading is not a finite number")),
            _ => {
                let bytes = answer.payload.len();
                Err(lab(format!("{bytes} bytes of readings, not {} ({wanted} f32)", 4 * wanted)))
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            // A server that is gone needs no farewell, and one that does not read gets none.
            let _ = to.send(Frame::new(b'Q', Vec::new()));
        }
        let ended = (0..50).any(|_| {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if !ended {
                std::thread::sleep(Duration::from_millis(10));
            }
            ended
        });
        if !ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
