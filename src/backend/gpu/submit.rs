//! Commands to the queue, in submissions short enough for watchdogs, and timed node by node.

use super::compile::{Command, Dispatch};
use super::device::Device;
use super::memory::download;
use crate::error::Result;

/// Seconds of a submission at most, as estimated: watchdogs end what takes some seconds.
const LONGEST: f64 = 0.1;

/// Seconds a real moved before anything was measured: a slow software adapter's.
pub const UNKNOWN_PACE: f64 = 4e-9;

/// How many of these dispatches, by their seconds, go into a submission that has `spent` already;
/// one that has nothing yet takes at least one.
fn fitting(seconds: impl Iterator<Item = f64>, mut spent: f64) -> (usize, f64) {
    let mut taken = 0;
    for one in seconds {
        if spent > 0.0 && spent + one > LONGEST {
            break;
        }
        spent += one;
        taken += 1;
    }
    (taken, spent)
}

fn encode(encoder: &mut wgpu::CommandEncoder, dispatches: &[Dispatch]) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    for dispatch in dispatches {
        set(&mut pass, dispatch);
    }
}

fn set(pass: &mut wgpu::ComputePass, d: &Dispatch) {
    pass.set_pipeline(&d.pipeline);
    pass.set_bind_group(0, &d.group, &[]);
    pass.dispatch_workgroups(d.grid[0], d.grid[1], d.grid[2]);
}

fn encode_move(encoder: &mut wgpu::CommandEncoder, command: &Command) {
    match command {
        Command::Clear(buffer) => encoder.clear_buffer(buffer, 0, None),
        Command::Copy { from, from_at, to, to_at, size } => {
            encoder.copy_buffer_to_buffer(from, *from_at, to, *to_at, *size);
        }
        Command::Pass(_) => {}
    }
}

/// Submits all of it and says in how many parts; `pace` is seconds a real moved.
pub fn submit(device: &Device, commands: &[Command], pace: f64) -> u64 {
    let (mut encoder, mut spent, mut parts) = (device.encoder(), 0.0, 1);
    for command in commands {
        encode_move(&mut encoder, command);
        let Command::Pass(dispatches) = command else { continue };
        let mut rest = dispatches.as_slice();
        while !rest.is_empty() {
            let (taken, so_far) = fitting(rest.iter().map(|d| d.reals * pace), spent);
            encode(&mut encoder, &rest[..taken]);
            (rest, spent) = (&rest[taken..], so_far);
            if !rest.is_empty() {
                device.queue.submit([encoder.finish()]);
                (encoder, spent) = (device.encoder(), 0.0);
                parts += 1;
            }
        }
    }
    device.queue.submit([encoder.finish()]);
    parts
}

/// Submits all of it and tells `each` the seconds of every dispatch.
pub fn timed(
    device: &Device,
    commands: &[Command],
    mut each: impl FnMut(&Dispatch, f64),
) -> Result<()> {
    for command in commands {
        if let Command::Pass(dispatches) = command {
            // A set of queries has a limited size.
            for some in dispatches.chunks(1024) {
                let seconds = seconds(device, some)?;
                some.iter().zip(seconds).for_each(|(d, s)| each(d, s));
            }
        } else {
            let mut encoder = device.encoder();
            encode_move(&mut encoder, command);
            device.queue.submit([encoder.finish()]);
        }
    }
    device.wait()
}

/// Seconds of each dispatch: by timestamps, a pass each, or where there are none by waiting.
pub fn seconds(device: &Device, dispatches: &[Dispatch]) -> Result<Vec<f64>> {
    if !device.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        device.wait()?;
        let one = |d: &Dispatch| {
            let start = std::time::Instant::now();
            let mut encoder = device.encoder();
            encode(&mut encoder, std::slice::from_ref(d));
            device.queue.submit([encoder.finish()]);
            device.wait()?;
            Ok(start.elapsed().as_secs_f64())
        };
        return dispatches.iter().map(one).collect();
    }
    let count = 2 * dispatches.len() as u32;
    let queries = device.device.create_query_set(&wgpu::QuerySetDescriptor {
        label: Some("profile"),
        ty: wgpu::QueryType::Timestamp,
        count,
    });
    let ticks = device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("profile"),
        size: u64::from(count) * 8,
        usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    });
    let mut encoder = device.encoder();
    for (at, d) in (0..).step_by(2).zip(dispatches) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("profile"),
            timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(at),
                end_of_pass_write_index: Some(at + 1),
            }),
        });
        set(&mut pass, d);
    }
    encoder.resolve_query_set(&queries, 0..count, &ticks, 0);
    device.queue.submit([encoder.finish()]);
    let raw = download(device, &ticks, u64::from(count) * 8)?;
    let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&raw);
    let tick = f64::from(device.queue.get_timestamp_period()) * 1e-9;
    Ok(ticks.chunks(2).map(|t| t[1].saturating_sub(t[0]) as f64 * tick).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_ends_before_it_is_too_long() {
        let taken = |seconds: &[f64], spent| fitting(seconds.iter().copied(), spent).0;
        assert_eq!(taken(&[0.04, 0.04, 0.04, 0.01], 0.0), 2);
        assert_eq!(taken(&[0.04, 0.04], 0.07), 0);
        // What is too long alone goes alone.
        assert_eq!(taken(&[3.0, 0.01], 0.0), 1);
        assert_eq!(taken(&[0.01; 5], 0.0), 5);
    }
}
