//! `mesh draw P.json --out chip.png`: the mesh as a chip, with the light of an input.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::super::{Common, print, print_json};
use super::inputs::{self, ChipArgs};
use super::title;
use crate::error::{Error, Result};
use crate::optics::mesh::file::{self, Document};
use crate::optics::mesh::light::follow_all;
use crate::optics::mesh::{C, Faults};
use crate::render::check_png;
use crate::render::chip::{self, Block};

#[derive(Debug, Args)]
pub struct Draw {
    /// Phases of a mesh or of an SVD layer.
    #[arg(value_name = "P.json")]
    settings: PathBuf,
    /// The picture.
    #[arg(long, value_name = "CHIP.png")]
    out: PathBuf,
    /// Light: the number of an input, from 0, or a .npy of complex amplitudes.
    #[arg(long, value_name = "K|x.npy")]
    input: Option<String>,
    #[command(flatten)]
    chip: ChipArgs,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: &'a std::path::Path,
    /// Powers at the outputs, in the units of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    powers: Option<Vec<f64>>,
}

impl Draw {
    pub fn run(&self, common: &Common) -> Result<()> {
        check_png("--out", &self.out)?;
        let document = file::read(&self.settings)?;
        let meshes = document.meshes();
        let kind = self.chip.kind(common)?;
        let faults: Vec<Faults> = match &kind {
            Some(kind) => kind.faults(&document)?,
            None => meshes.iter().map(|(mesh, _)| Faults::none(mesh)).collect(),
        };
        let (mut remark, light) = match &self.input {
            Some(text) => {
                let (remark, input) = inputs::input(text, meshes[0].0.n)?;
                let between = match &document {
                    Document::Mesh(..) => None,
                    Document::Svd(layer) => Some(&layer.attenuation[..]),
                };
                let chips =
                    meshes.iter().zip(&faults).map(|(&(mesh, s), faults)| (mesh, s, faults));
                (remark, Some(follow_all(chips, between, &input)?))
            }
            None if kind.is_some() => {
                let rule = "what is wrong with a chip shows in its light alone";
                return Err(
                    Error::invalid("--hardware", rule).help("say with --input where light enters")
                );
            }
            None => (String::new(), None),
        };
        if let Some(kind) = &kind {
            let and = if remark.is_empty() { "" } else { "; " };
            remark += &format!("{and}chip of seed {}", kind.seed);
        }
        let (heading, attenuation) = match &document {
            Document::Mesh(mesh, _) => (title(mesh), None),
            Document::Svd(layer) => {
                let topology = layer.right.0.topology;
                let heading =
                    format!("SVD layer, {} x {}, {topology:?} meshes", layer.rows, layer.columns);
                (heading, Some(&layer.attenuation[..]))
            }
        };
        let blocks: Vec<Block> = meshes
            .iter()
            .enumerate()
            .map(|(k, &(mesh, settings))| Block {
                mesh,
                settings,
                light: light.as_ref().map(|l| &l[k]),
            })
            .collect();
        let picture = chip::Chip { title: &heading, remark: &remark, blocks: &blocks, attenuation };
        chip::draw(&picture, &self.out)?;
        let powers = light
            .as_ref()
            .and_then(|l| l.last())
            .map(|l| l.outputs.iter().map(C::norm_sqr).collect::<Vec<f64>>());
        if common.json {
            return print_json(&Answer { file: &self.out, powers });
        }
        print(&self.out.display().to_string())
    }
}
