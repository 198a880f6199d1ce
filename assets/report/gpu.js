// The exported program on the browser's WebGPU: its WGSL, buffers and dispatches as they are.

const gpuEngine = (() => {
  async function device() {
    if (!navigator.gpu) return null;
    try {
      const adapter = await navigator.gpu.requestAdapter();
      if (!adapter) return null;
      const { vendor, architecture, description } = adapter.info ?? {};
      const name = description || [vendor, architecture].filter(Boolean).join(" ") || "an adapter without a name";
      return { device: await adapter.requestDevice(), name };
    } catch {
      return null;
    }
  }

  // Pipelines, bind groups and buffers once; null where there is no WebGPU or it refuses them.
  async function make() {
    const found = await device();
    if (!found) return null;
    const { device: gpu, name } = found;
    const { program } = DATA.live;
    gpu.pushErrorScope("validation");
    gpu.pushErrorScope("out-of-memory");
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const made = [];
    for (let i = 0; i < program.buffers.length; i++) {
      made.push(gpu.createBuffer({ size: program.buffers[i].bytes, usage }));
      const content = await buffers.buffer(i);
      if (content) gpu.queue.writeBuffer(made[i], 0, content);
    }
    const modules = program.shaders.map((code) => gpu.createShaderModule({ code }));
    const kernels = await Promise.all(program.kernels.map(async ({ shader, entry, bindings }) => {
      const types = ["uniform", ...bindings.map((b) => (b === "write" ? "storage" : "read-only-storage"))];
      const layout = gpu.createBindGroupLayout({
        entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
      });
      const pipeline = await gpu.createComputePipelineAsync({
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: modules[shader], entryPoint: entry },
      });
      return { layout, pipeline };
    }));
    const dispatches = program.dispatches.map((d) => {
      const words = new Uint32Array(d.uniform);
      const uniform = gpu.createBuffer({ size: words.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
      gpu.queue.writeBuffer(uniform, 0, words);
      const { layout, pipeline } = kernels[d.kernel];
      const bound = [uniform, ...d.buffers.map((b) => made[b])];
      const entries = bound.map((buffer, binding) => ({ binding, resource: { buffer } }));
      return { pipeline, group: gpu.createBindGroup({ layout, entries }), workgroups: d.workgroups };
    });
    const [scores, , ...planes] = program.outputs;
    const read = [scores, ...planes].map(({ buffer, dims, type }) => {
      const size = 4 * dims.reduce((a, b) => a * b, 1) * (type === "complex f32" ? 2 : 1);
      return { buffer, size };
    });
    let total = 0;
    for (const part of read) {
      part.at = total;
      total += part.size;
    }
    const staging = gpu.createBuffer({ size: total, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const errors = [await gpu.popErrorScope(), await gpu.popErrorScope()].filter(Boolean);
    if (errors.length > 0) throw new Error(errors[0].message);

    const [image] = program.inputs;
    return {
      name: "webgpu",
      about: `WebGPU on ${name}, ${dispatches.length} dispatches`,
      run: async (pixels) => {
        gpu.queue.writeBuffer(made[image.buffer], 0, Float32Array.from(pixels));
        const encoder = gpu.createCommandEncoder();
        const compute = encoder.beginComputePass();
        for (const { pipeline, group, workgroups } of dispatches) {
          compute.setPipeline(pipeline);
          compute.setBindGroup(0, group);
          compute.dispatchWorkgroups(...workgroups);
        }
        compute.end();
        for (const { buffer, size, at } of read) encoder.copyBufferToBuffer(made[buffer], 0, staging, at, size);
        gpu.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        const all = staging.getMappedRange().slice(0);
        staging.unmap();
        const part = ({ at, size }) => new Float32Array(all, at, size / 4);
        const [first, ...rest] = read;
        return { scores: Array.from(part(first)), planes: rest.map((r) => planar(part(r))) };
      },
    };
  }

  return { make };
})();
