// Draw the showers of every kind with onnxruntime-node.
// usage: node run_kinds.mjs NODE_MODULES KINDS RESULTS
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, kinds, results] = process.argv.slice(2);
const ort = createRequire(join(resolve(modules), "x.js"))("onnxruntime-node");

function floats(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

for (const kind of readdirSync(kinds).sort()) {
  console.log(kind);
  const folder = join(kinds, kind);
  const { voxels, ...shapes } = JSON.parse(readFileSync(join(folder, "shapes.json"), "utf8"));
  const inputs = Object.keys(shapes).map((name) => [name, floats(join(folder, `${name}.bin`))]);
  const session = await ort.InferenceSession.create(join(folder, "model.onnx"));
  const found = new Float32Array(voxels[0] * voxels[1]);
  for (let event = 0; event < voxels[0]; event++) {
    const feeds = Object.fromEntries(inputs.map(([name, values]) => {
      const width = shapes[name][1];
      const row = values.slice(event * width, (event + 1) * width);
      return [name, new ort.Tensor("float32", row, [1, width])];
    }));
    const output = await session.run(feeds);
    found.set(output.voxels.data, event * voxels[1]);
  }
  writeFileSync(join(results, `${kind}.bin`), Buffer.from(found.buffer));
}
