//! Shared by the test files.

use lightloom::backend::gpu::adapters;

/// Name of the GPU to test on, a software one too, as `LIGHTLOOM_GPU=require|auto|off` says; a
/// skip is counted aloud.
pub fn gpu(what: &str, cases: usize) -> Option<String> {
    let wish = std::env::var("LIGHTLOOM_GPU").unwrap_or_else(|_| "auto".into());
    let adapter = if wish == "off" { None } else { adapters().into_iter().next() };
    match adapter {
        Some(a) => {
            println!("twin: {what}: {cases} GPU cases ran on {}", a.name);
            Some(a.name)
        }
        None if wish == "require" => panic!(
            "LIGHTLOOM_GPU=require and no adapter: install a Vulkan driver (apt-get install mesa-vulkan-drivers)"
        ),
        None => {
            println!("twin: {what}: 0 GPU cases ran (LIGHTLOOM_GPU={wish}), {cases} skipped");
            None
        }
    }
}
