//! Frames of the lab protocol.

use std::io::{self, Read, Write};

/// Bytes of a frame at most: what is longer was no frame.
pub const MOST: u32 = 1 << 30;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, payload: Vec<u8>) -> Self {
        Self { kind, payload }
    }

    /// # Errors
    /// When the other side is gone.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&(self.payload.len() as u32 + 1).to_le_bytes())?;
        out.write_all(&[self.kind])?;
        out.write_all(&self.payload)?;
        out.flush()
    }

    /// The next frame, or none where the stream ends between two.
    ///
    /// # Errors
    /// When the stream ends inside a frame, or what comes is none.
    pub fn read(input: &mut dyn Read) -> io::Result<Option<Self>> {
        let mut length = [0; 4];
        match input.read(&mut length[..1])? {
            0 => return Ok(None),
            _ => input.read_exact(&mut length[1..])?,
        }
        let length = u32::from_le_bytes(length);
        if length == 0 || length > MOST {
            let what = format!("a frame of {length} bytes; 1 to {MOST} are allowed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        // As much as comes, so that a wrong length takes no memory.
        let mut bytes = Vec::new();
        input.take(u64::from(length)).read_to_end(&mut bytes)?;
        if bytes.len() < length as usize {
            let what = format!("a frame of {length} bytes was cut after {}", bytes.len());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        let kind = bytes.remove(0);
        Ok(Some(Self { kind, payload: bytes }))
    }
}

pub fn floats(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(|x| (x as f32).to_le_bytes()).collect()
}

/// The numbers of a payload; none where it is not a whole number of them.
pub fn from_floats(bytes: &[u8]) -> Option<Vec<f64>> {
    let words = bytes.chunks_exact(4);
    words
        .remainder()
        .is_empty()
        .then(|| words.map(|w| f64::from(f32::from_le_bytes([w[0], w[1], w[2], w[3]]))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_broken_ones_are_refused() {
        let frame = Frame::new(b'E', floats([1.0, -2.5].into_iter()));
        let mut bytes = Vec::new();
        frame.write(&mut bytes).unwrap();
        assert_eq!(Frame::read(&mut &bytes[..]).unwrap().unwrap(), frame);
        assert!(Frame::read(&mut &bytes[..0]).unwrap().is_none());
        assert!(Frame::read(&mut &bytes[..6]).is_err());
        assert!(Frame::read(&mut &[0u8, 0, 0, 0][..]).is_err());
        assert!(Frame::read(&mut &[255u8; 8][..]).is_err());
        assert!(from_floats(&[1, 2, 3]).is_none());
    }
}
