//! The reference server: a simulated device behind the lab protocol.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use super::Session;
use super::session::EVAL_BATCH;
use crate::error::{Error, Result};
use crate::lab::frame::{Frame, floats, from_floats};
use crate::lab::{Hello, VERSION};
use crate::program::{Data, Role, SlotId};

/// Answers frames until it is told to end or the client is gone.
pub fn serve(
    session: &mut Session,
    name: &str,
    input: &mut dyn Read,
    out: &mut dyn Write,
) -> Result<()> {
    let gone = |e: std::io::Error| Error::device(format!("the lab's client: {e}"));
    while let Some(frame) = Frame::read(input).map_err(gone)? {
        if frame.kind == b'Q' {
            return Frame::new(b'K', Vec::new()).write(out).map_err(gone);
        }
        let answer = answer(session, name, &frame)
            .unwrap_or_else(|why| Frame::new(b'X', why.to_string().into_bytes()));
        answer.write(out).map_err(gone)?;
    }
    Ok(())
}

fn wrong(what: impl Into<String>) -> Error {
    Error::device(what.into())
}

fn params(session: &Session) -> Vec<(SlotId, String, Vec<usize>)> {
    let program = session.executor.program();
    let is_param = |role: &Role| matches!(role, Role::Param(_));
    let own = program.kept().filter(|(_, s)| is_param(&s.role) && s.name.starts_with("optic."));
    own.map(|(id, s)| (id, s.name.clone(), s.shape.dims.clone())).collect()
}

fn answer(session: &mut Session, name: &str, frame: &Frame) -> Result<Frame> {
    match frame.kind {
        b'H' => {
            let parameters: BTreeMap<String, Vec<usize>> =
                params(session).into_iter().map(|(_, name, dims)| (name, dims)).collect();
            let readings = session.program.slot(session.eval.regions).shape.len();
            let hello = Hello {
                version: VERSION,
                name: name.to_owned(),
                image: session.data.image,
                readings,
                parameters,
            };
            let text = serde_json::to_vec(&hello).map_err(|e| wrong(e.to_string()))?;
            Ok(Frame::new(b'H', text))
        }
        b'P' => {
            let end = frame.payload.iter().position(|&b| b == 0);
            let end = end.ok_or_else(|| wrong("a parameter without the end of its name"))?;
            let told: String = serde_json::from_slice(&frame.payload[..end])
                .map_err(|e| wrong(format!("a parameter's name: {e}")))?;
            let values = from_floats(&frame.payload[end + 1..])
                .ok_or_else(|| wrong(format!("{told}: not a whole number of f32")))?;
            let all = params(session);
            let (id, _, dims) = all
                .into_iter()
                .find(|(_, name, _)| *name == told)
                .ok_or_else(|| wrong(format!("no parameter is called {told}")))?;
            if values.len() != dims.iter().product::<usize>() {
                return Err(wrong(format!("{told} is {dims:?}, and {} came", values.len())));
            }
            session.executor.write(id, &Data::Real(values))?;
            Ok(Frame::new(b'K', Vec::new()))
        }
        b'E' => expose(session, &frame.payload),
        other => Err(wrong(format!("no frame is of kind {:?}", char::from(other)))),
    }
}

fn expose(session: &mut Session, payload: &[u8]) -> Result<Frame> {
    let Some((count, images)) = payload.split_first_chunk::<4>() else {
        return Err(wrong("an exposure without its count"));
    };
    let count = u32::from_le_bytes(*count) as usize;
    let images = from_floats(images).ok_or_else(|| wrong("not a whole number of f32"))?;
    let size = session.data.image[0] * session.data.image[1];
    if count == 0 || images.len() != count * size {
        let came = images.len();
        return Err(wrong(format!("{count} samples of {size} numbers, and {came} came")));
    }
    let Some(slot) = session.machine.image else {
        return Err(wrong("this machine shows no data"));
    };
    let each = session.program.slot(session.eval.regions).shape.len();
    let mut readings = Vec::with_capacity(count * each);
    for some in images.chunks(EVAL_BATCH * size) {
        let here = some.len() / size;
        session.executor.write(slot, &Data::Real(some.to_vec()))?;
        session.executor.run(session.eval.routine, here)?;
        let read = session.executor.read(session.eval.regions)?;
        readings.extend_from_slice(&read.reals()[..here * each]);
    }
    Ok(Frame::new(b'R', floats(readings.into_iter())))
}
